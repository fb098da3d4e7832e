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

from smtpdoctor.model import Secret
from smtpdoctor.smtp.redact import Redactor
from smtpdoctor.smtp.words import printable

LONG = st.text(st.characters(), min_size=4, max_size=40)
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


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=40))
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
