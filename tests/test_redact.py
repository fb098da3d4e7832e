"""Secrets never survive where something is recorded, in whatever encoding a server echoes them."""

from __future__ import annotations

import base64
import json
import quopri
import unicodedata
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from smtpdoctor.masking.echoes import Redactor
from smtpdoctor.masking.words import printable
from smtpdoctor.model import Secret


def has_enough(secret: str) -> bool:
    """Whether a secret has so many letters and digits that it is looked for inside words, too."""
    return sum(one.isalnum() for one in secret) > 5


LONG = st.text(st.characters(), min_size=6, max_size=40).filter(has_enough)
SHORT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=3)
AROUND = st.sampled_from(["", "a", "ab", "abc", "user@example.test", "메일", "0", "/"])
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def raw(secret: str) -> bytes:
    """Return a secret's bytes; lone surrogates stand for bytes of an environment."""
    try:
        return secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return secret.encode("utf-8", "surrogatepass")


def masked(secret: str, form: str, before: str = "said: ", after: str = " (end)") -> str:
    """Redact a text that holds one form of a secret, and check that the form is gone."""
    # A secret of asterisks is the mask itself, and one of blanks lies between any two words.
    assume(secret not in Secret.MASK and form not in Secret.MASK and secret.strip())
    assume(form not in before + after and form not in f"{before}{Secret.MASK}{after}")
    shown = Redactor([secret])(f"{before}{form}{after}")
    assert form not in shown
    assert Secret.MASK in shown
    return shown


@given(LONG)
@example("pass\nword")
@example("a\udcb8\udcb8b")
@example("x\ud800yz")
def test_a_raw_secret_is_masked(secret: str) -> None:
    """A secret of four characters or more is masked wherever it stands, even inside a word."""
    masked(secret, secret)
    masked(secret, secret, "word", "word")


@given(LONG, AROUND, AROUND, st.integers(0, 3))
@example("안녕하세요", "", "", 0)
@example("????", "a", "", 0)
def test_a_secret_within_base64_is_masked(secret: str, before: str, after: str, glued: int) -> None:
    """At any alignment, in either alphabet, with padding or without, alone or glued to other characters."""
    content = f"\0{before}\0".encode() + raw(secret) + after.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        form = encode(content).decode()
        masked(secret, form, "535 5.7.8 ")
        masked(secret, form.rstrip("="), "535 5.7.8 " + "A" * glued)
        masked(secret, encode(raw(secret)).decode(), "")


@given(LONG)
@example("p@ss/w rd%")
def test_a_percent_encoded_secret_is_masked(secret: str) -> None:
    """Whichever characters were encoded, with upper-case or lower-case digits, blanks as plus or not."""
    data = raw(secret)
    every = "".join(f"%{byte:02x}" for byte in data)
    for form in (quote(data, safe=""), quote(data), quote_plus(data), quote(data, safe="!'()*"), every):
        masked(secret, form)
        masked(secret, form, "url=smtp://user:", "@host")
    lower = quote(data, safe="").replace("%2F", "%2f").replace("%EC", "%ec")
    masked(secret, lower)


@given(LONG)
@example("p=ss wörd")
def test_a_quoted_printable_secret_is_masked(secret: str) -> None:
    """All bytes encoded, or those that must be, with blanks as they are; a line break stays one."""
    assume("\n" not in secret and "\r" not in secret)
    data = raw(secret)
    masked(secret, "".join(f"={byte:02X}" for byte in data))
    masked(secret, quopri.encodestring(data, quotetabs=True).decode().replace("=\n", ""))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=4, max_size=40), AROUND)
def test_a_secret_in_wide_base64_or_base32_is_masked(secret: str, before: str) -> None:
    """UTF-16, as Windows has it, and the alphabet without lower case."""
    for encoding in ("utf-16-le", "utf-16-be"):
        masked(secret, base64.b64encode(f"{before}{secret}".encode(encoding)).decode(), "535 ")
    masked(secret, base64.b32encode(secret.encode()).decode().rstrip("="))


@given(LONG)
def test_a_secret_in_hexadecimal_is_masked(secret: str) -> None:
    """In either case of the digits."""
    masked(secret, raw(secret).hex())
    masked(secret, raw(secret).hex().upper(), "0x")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).filter(has_enough))
def test_a_secret_in_a_program_s_quotes_is_masked(secret: str) -> None:
    """As ``repr`` shows it, as mojibake, and with its control characters made visible already."""
    masked(secret, repr(secret)[1:-1])
    masked(secret, secret.encode().decode("latin-1"))
    masked(secret, printable(secret))
    masked(secret, secret.strip())


@given(SHORT, st.sampled_from(["u", "us", "use", "user@example.test"]))
def test_a_short_secret_is_masked_as_a_word_and_in_base64(secret: str, username: str) -> None:
    """One to three characters would blot out any text, so they are masked as a whole word, and in an AUTH exchange."""
    masked(secret, secret, "said: <", "> again")
    encoded = base64.b64encode(f"\0{username}\0{secret}".encode()).decode()
    masked(secret, encoded, "AUTH PLAIN ")
    masked(secret, encoded.rstrip("="), "AUTH PLAIN ")
    masked(secret, base64.b64encode(secret.encode()).decode(), "334 ")


@given(LONG, st.data())
@example("a=be f", None)
@example("50%ab x", None)
def test_a_secret_of_which_any_characters_are_encoded(secret: str, data: st.DataObject | None) -> None:
    """Each character as it is, with percent signs, or with equals signs, and a blank as plus or underscore."""

    def written(one: str) -> str:
        ways = [one, *("".join(f"{sign}{byte:02x}" for byte in raw(one)) for sign in "%=")]
        if one == " ":
            ways += ["+", "_"]
        if data is None:
            return one if one != " " else "%20"
        way = data.draw(st.sampled_from(ways))
        return way.upper() if way != one and data.draw(st.booleans()) else way

    # Half a pair of surrogates is no character: it has bytes only together with the other half.
    assume(all(raw(one) in raw(secret) for one in secret))
    form = "".join(map(written, secret))
    masked(secret, form)
    masked(secret, form, "AUTH PLAIN=A", "=41")


@given(
    st.text(min_size=4, max_size=20),
    AROUND,
    st.sampled_from(["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]),
)
def test_a_wide_secret_of_any_script_is_masked(secret: str, before: str, encoding: str) -> None:
    """UTF-16 and UTF-32 in base64, also of Korean."""
    form = base64.b64encode(f"{before}{secret}{before}".encode(encoding)).decode()
    masked(secret, form, "535 ")


@given(LONG, st.lists(st.sampled_from(["raw", "base64", "hex", "percent", " "]), min_size=1, max_size=6))
def test_nothing_of_many_forms_in_one_line_is_left(secret: str, kinds: list[str]) -> None:
    """Beside, behind and within each other: every one is gone."""
    assume(secret not in Secret.MASK and secret.strip() and len(set(secret)) > 2)
    data = raw(secret)
    forms = {
        "raw": secret,
        "base64": base64.b64encode(data).decode(),
        "hex": data.hex(),
        "percent": "".join(f"%{byte:02X}" for byte in data),
        " ": " ",
    }
    shown = Redactor([secret])("535 " + "".join(forms[kind] for kind in kinds) + " 5.7.8")
    assert not any(form in shown for kind, form in forms.items() if kind != " ")
    assert shown.startswith("535 ")


@given(st.lists(LONG, min_size=2, max_size=3), st.integers(0, 3))
def test_secrets_that_overlap_are_masked_as_one(secrets: list[str], shared: int) -> None:
    """Where two secrets share characters of a line nothing of either is left."""
    first, second = secrets[0], secrets[1]
    assume(first.strip() and second.strip() and not set(first + second) & set("* "))
    second = first[len(first) - shared :] + second
    text = f"<{first[: len(first) - shared]}{second}>"
    shown = Redactor([*secrets[2:], first]).plus(second)(text)
    assert first not in shown
    assert second not in shown


def test_a_line_with_a_mask_is_otherwise_as_it_was() -> None:
    """Only the secret goes, and of base64 the whole word that holds it."""
    redact = Redactor(["hunter2-secret"])
    encoded = base64.b64encode(b"\0user\0hunter2-secret").decode()
    assert redact("535 5.7.8 <hunter2-secret>, hunter2-secrets") == "535 5.7.8 <********>, ********s"
    assert redact(f"334 ({encoded}) VXNlcm5hbWU6 x%20y") == "334 (********) VXNlcm5hbWU6 x%20y"


def test_an_access_token_is_masked() -> None:
    """A token of 1,500 characters, whole, in base64, in hexadecimal and in a URL."""
    token = "ya29." + "Zq7tRbxWpLk93_-" * 100
    redact = Redactor([token])
    data = token.encode()
    base32 = base64.b32encode(data).decode().rstrip("=")
    wide = base64.b64encode(f"user=a\1auth=Bearer {token}\1\1".encode("utf-16-le")).decode()
    for form in (token, data.hex(), quote(token, safe=""), base32, base64.b64encode(data).decode(), wide):
        assert redact(f"535 {form} no") == "535 ******** no"


def test_a_short_secret_leaves_other_words_alone() -> None:
    """The word that merely has the letters of a short secret stays readable."""
    redact = Redactor(["abc", "x", "25"])
    assert redact("abcde 250 2.5.25 xylophone") == "abcde 250 2.5.25 xylophone"
    assert redact("abc, x! port 25") == f"{Secret.MASK}, {Secret.MASK}! port {Secret.MASK}"


def test_longer_secrets_go_first() -> None:
    """Where one secret is part of another nothing of the longer one is left."""
    assert Redactor(["word", "password1234", ""])("password1234") == Secret.MASK


@given(st.text(st.characters()), st.lists(st.text(st.characters(), min_size=1, max_size=8), max_size=2))
def test_control_characters_never_survive(text: str, secrets: list[str]) -> None:
    """No C0 or C1 control, no character that reorders or hides text, no lone surrogate comes out."""
    for shown in (Redactor(secrets)(text), printable(text)):
        assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cs"}
        assert not {unicodedata.bidirectional(one) for one in shown} & BIDI
        assert not set(shown) & set("\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\ufeff")


def test_control_characters_become_visible() -> None:
    """An escape sequence shows as text, and a tab is a blank."""
    assert printable("\x1b[31m\ta\u202eb\r\n") == "\\x1b[31m a\\u202eb\\x0d\\x0a"


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_ordinary_text_is_untouched(text: str) -> None:
    """Without secrets, or with secrets that are not in it in any form, a text stays as it is."""
    secret = "\uf8ffno-text-has-this\uf8ff"
    assert Redactor()(text) == Redactor([secret])(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "250-SIZE 35882577",
        "535-5.7.8 Username and Password not accepted. https://support.google.com/mail/?p=BadCredentials",
        json.dumps({"token": base64.b64encode(b"something else entirely").decode()}),
        "334 VXNlcm5hbWU6",
        "친절한 오류 메시지",
    ],
)
def test_server_texts_stay_readable(text: str) -> None:
    """The usual answers of servers are not mistaken for a secret."""
    assert Redactor(["hunter2-secret", "abcd efgh ijkl mnop"])(text) == text
