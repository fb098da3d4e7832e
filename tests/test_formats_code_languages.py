"""Settings in JavaScript, TypeScript, PHP, Ruby, Go, Java, Kotlin and C#, read as syntax."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpdoctor.formats import reader_of, syntax_of
from smtpdoctor.formats.code.writing import write
from smtpdoctor.formats.document import Assignment, Document, Source, TooLargeError, edited
from smtpdoctor.formats.dotenv import UnwritableError
from tests.each import each
from tests.examples import examples, some_of
from tests.test_formats_code_python import assert_regions, said, variables

Said = tuple[str, str | None]


def document(path: str, text: str, **env: str) -> Document:
    syntax = syntax_of(path, text)
    assert syntax is not None
    read = reader_of(syntax)
    assert read is not None
    return read(Source(path=path, text=text, variables=variables(**env)))


def found(path: str, text: str, **env: str) -> dict[str, Assignment]:
    return document(path, text, **env).scopes[0].by_name()


def string(text: str) -> Said:
    return "string", text


def number(text: str) -> Said:
    return "number", text


TRUE, FALSE, NOTHING, UNKNOWN, CALL = (
    ("boolean", "true"),
    ("boolean", "false"),
    ("null", None),
    ("unknown", None),
    ("call", "()"),
)

JAVASCRIPT = """
import mailer, { createTransport as make } from 'nodemailer';
const { host, port = 25 } = options;
const { SMTP_USER } = process.env;
const HOST = 'smtp.example.com';
const transporter = mailer.createTransport({
  host: HOST, port: 0x24b, secure: !1, 'requireTLS': true, // 한글
  auth: { user: SMTP_USER, pass: process.env.PASS },
  tls: { rejectUnauthorized: false, ...more },
  name: `a-${HOST}\\n`, [HOST]: 1, logger() { return null; }, quoted: "it's \\u0041",
});
class Mail { host = 'm'; constructor() { this.from = this.host + '@x'; } }
await transporter.sendMail({ from: '"A" <a@example.com>', to: host });
make('smtp://h:25');
exports.mail = { from: 'f' };
module.exports = ({ env }) => ({ email: { config: { port: env.int('P', 465) } } });
"""
NODEMAILER = "nodemailer.createTransport"
PHP = """<?php
namespace App;
use PHPMailer\\PHPMailer\\PHPMailer;
if (!defined('SMTP_HOST')) { define('SMTP_HOST', "smtp\\x2eexample.com\\$"); }
const PORT = 587, NAME = 'it\\'s' . ' ' . SMTP_HOST;
$CONFIG = array('mail_smtphost' => SMTP_HOST, 'mail_smtpauth' => TRUE, 'list' => ['a', 'b'], 'n' => null);
$CONFIG['mail_smtpport'] = 25;
class Mailer { const FROM = 'a@example.com'; public ?string $host = 'h';
  function send($to) { $mail = new PHPMailer(true); $mail->isSMTP(); $mail->Host = $this->host;
    $mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS; $mail->setFrom(self::FROM, name: 'é'); $mail->Port = $to; } }
return ['default' => env('MAIL_MAILER', 'log'), 'mailers' => ['smtp' => ['port' => (int) env('P', '587')]]];
"""
RUBY = """
gitlab_rails['smtp_address'] = "smtp.example.com"
Rails.application.configure do
  config.action_mailer.delivery_method = :smtp
  config.action_mailer.smtp_settings = { address: 'h', :port => 587, "domain" => nil, tls: !true,
    openssl_verify_mode: OpenSSL::SSL::VERIFY_NONE, user_name: ENV["U"], password: secret }
end
ActionMailer::Base.smtp_settings[:address] = 'b' + "#{1}\\n"
Mail.defaults do
  delivery_method :smtp, address: "d", enable_starttls_auto: true
end
class Notifier < ApplicationMailer
  HOST = 'x'
  default from: "a@#{HOST}"
end
smtp = Net::SMTP.new(%q(n), 25)
smtp.enable_starttls
words = %w[a b].freeze
"""
GO = """package main
import ( "net/smtp"; m "gopkg.in/mail.v2" )
const HOST, PORT = "smtp.example.com", 587
func main() {
  auth := smtp.PlainAuth("", "u\\u00e9", `p\\`, HOST)
  smtp.SendMail(HOST+":25", auth, "f", []string{"t"}, nil)
  d := m.NewDialer(HOST, PORT, "u", password)
  d.SSL = !false
  d.TLSConfig = &tls.Config{InsecureSkipVerify: true}
  d.StartTLSPolicy = m.MandatoryStartTLS
  x := &m.Dialer{Host: fmt.Sprintf("%s.%d", "h", 5)}
  addr := net.JoinHostPort("h", "25")
}
"""
JAVA = """
class Mail { private static final String HOST = "smtp.example.com", KEY = "mail.smtp.port"; int port = 0x10;
  void send(String to) { Properties props = new Properties();
    props.put("mail.smtp.host", HOST); props.setProperty(KEY, "" + 587); props.put(to, "x");
    props.put("mail.smtp.starttls.enable", true); props.put("mail.smtp.q", "\\u0041\\"\\101");
    new PasswordAuthentication("u", secret());
    message.setFrom(new InternetAddress("a@example.com"));
    this.host = to; transport.connect(HOST, -1, "u", null); } }
"""
KOTLIN = """
const val HOST = "smtp.example.com"
fun main(to: String) {
    val props = Properties()
    props["mail.smtp.host"] = "a.$HOST.${HOST}"
    props.put("mail.smtp.port", 587)
    val literal = "\\$HOST"
    val host = System.getenv("X") ?: "d"
    val mail = SimpleEmail(name = "n")
    mail.isSSLOnConnect = true
    val nothing: String? = null
}
"""
CSHARP = """
public class Mail { const string HOST = "smtp.example.com"; public int Port { get; set; } = 25;
  async Task Send(string to) {
    using var client = new SmtpClient(HOST, 587) { Credentials = new NetworkCredential("u", to), EnableSsl = true };
    client.Host = @"a\\""b";
    SmtpClient other = new("o");
    await kit.ConnectAsync($"{HOST}{{", 465, SecureSocketOptions.StartTls);
    kit.ServerCertificateValidationCallback = (s, c, h, e) => true;
    message.From.Add(new MailboxAddress("n", "a@example.com"));
    var key = Configuration["Smtp:Host"] ?? "c"; } }
"""
CASES: list[tuple[str, str, dict[str, Said]]] = [
    (
        "mail.ts",
        JAVASCRIPT.replace("this.host", "(this.host as string)"),
        {
            f"{NODEMAILER}()": CALL,
            f"{NODEMAILER}.0": string("smtp://h:25"),
            "exports": UNKNOWN,
        },
    ),
    (
        "mail.js",
        JAVASCRIPT.replace("make(", "other("),
        {
            f"{NODEMAILER}.host": string("smtp.example.com"),
            f"{NODEMAILER}.port": number("587"),
            f"{NODEMAILER}.secure": FALSE,
            f"{NODEMAILER}.requireTLS": TRUE,
            f"{NODEMAILER}.auth.user": UNKNOWN,
            f"{NODEMAILER}.tls.rejectUnauthorized": FALSE,
            f"{NODEMAILER}.name": string("a-smtp.example.com\n"),
            f"{NODEMAILER}.quoted": string("it's A"),
            "Mail.host": string("m"),
            "this.from": string("m@x"),
            "transporter.sendMail.from": string('"A" <a@example.com>'),
            "transporter.sendMail.to": UNKNOWN,
            "mail.from": string("f"),
            "email.config.port": number("465"),
        },
    ),
    (
        "config.php",
        PHP,
        {
            "SMTP_HOST": string("smtp.example.com$"),
            "PORT": number("587"),
            "NAME": string("it's smtp.example.com$"),
            "CONFIG.mail_smtphost": string("smtp.example.com$"),
            "CONFIG.mail_smtpauth": TRUE,
            "CONFIG.list.1": string("b"),
            "CONFIG.n": NOTHING,
            "CONFIG.mail_smtpport": number("25"),
            "Mailer.FROM": string("a@example.com"),
            "PHPMailer()": CALL,
            "PHPMailer.0": TRUE,
            "mail.isSMTP()": CALL,
            "mail.Host": string("h"),
            "mail.SMTPSecure": UNKNOWN,
            "mail.setFrom.0": string("a@example.com"),
            "mail.setFrom.name": string("é"),
            "mail.Port": UNKNOWN,
            "default": string("log"),
            "mailers.smtp.port": number("587"),
        },
    ),
    (
        "production.rb",
        RUBY,
        {
            "gitlab_rails.smtp_address": string("smtp.example.com"),
            "config.action_mailer.delivery_method": ("word", "smtp"),
            "config.action_mailer.smtp_settings.address": string("h"),
            "config.action_mailer.smtp_settings.port": number("587"),
            "config.action_mailer.smtp_settings.domain": NOTHING,
            "config.action_mailer.smtp_settings.tls": FALSE,
            "config.action_mailer.smtp_settings.password": UNKNOWN,
            "ActionMailer::Base.smtp_settings.address": string("b1\n"),
            "delivery_method.0": ("word", "smtp"),
            "delivery_method.address": string("d"),
            "delivery_method.enable_starttls_auto": TRUE,
            "Notifier.HOST": string("x"),
            "default.from": string("a@x"),
            "Net::SMTP.new.0": string("n"),
            "smtp.enable_starttls()": CALL,
            "words.1": string("b"),
        },
    ),
    (
        "main.go",
        GO,
        {
            "smtp.PlainAuth()": CALL,
            "smtp.PlainAuth.1": string("ué"),
            "smtp.PlainAuth.2": string("p\\"),
            "smtp.PlainAuth.3": string("smtp.example.com"),
            "smtp.SendMail.0": string("smtp.example.com:25"),
            "smtp.SendMail.3.0": string("t"),
            "mail.NewDialer.0": string("smtp.example.com"),
            "mail.NewDialer.1": number("587"),
            "mail.NewDialer.3": UNKNOWN,
            "d.SSL": TRUE,
            "d.TLSConfig.InsecureSkipVerify": TRUE,
            "tls.Config.InsecureSkipVerify": TRUE,
            "d.StartTLSPolicy": UNKNOWN,
            "mail.Dialer.Host": string("h.5"),
            "addr": string("h:25"),
        },
    ),
    (
        "Mail.java",
        JAVA,
        {
            "Mail.HOST": string("smtp.example.com"),
            "Mail.port": number("16"),
            "mail.smtp.host": string("smtp.example.com"),
            "mail.smtp.port": string("587"),
            "mail.smtp.starttls.enable": TRUE,
            "mail.smtp.q": string('A"A'),
            "PasswordAuthentication.0": string("u"),
            "PasswordAuthentication.1": UNKNOWN,
            "message.setFrom.0": string("a@example.com"),
            "this.host": UNKNOWN,
            "transport.connect.1": number("-1"),
            "transport.connect.3": NOTHING,
        },
    ),
    (
        "Mail.kt",
        KOTLIN,
        {
            "mail.smtp.host": string("a.smtp.example.com.smtp.example.com"),
            "mail.smtp.port": number("587"),
            "literal": string("$HOST"),
            "host": string("d"),
            "SimpleEmail.name": string("n"),
            "mail.isSSLOnConnect": TRUE,
            "nothing": NOTHING,
        },
    ),
    (
        "Mail.cs",
        CSHARP,
        {
            "Mail.HOST": string("smtp.example.com"),
            "Mail.Port": number("25"),
            "SmtpClient.0": string("o"),
            "SmtpClient.1": NOTHING,
            "NetworkCredential.0": string("u"),
            "NetworkCredential.1": UNKNOWN,
            "client.Host": string('a\\"b'),
            "kit.ConnectAsync.0": string("smtp.example.com{"),
            "kit.ConnectAsync.1": number("465"),
            "kit.ConnectAsync.2": UNKNOWN,
            "message.From.Add.0": string("a@example.com"),
            "key": string("c"),
        },
    ),
    (
        "Other.cs",
        CSHARP.replace('SmtpClient other = new("o");', ""),
        {
            "SmtpClient.0": string("smtp.example.com"),
            "SmtpClient.1": number("587"),
            "SmtpClient.EnableSsl": TRUE,
        },
    ),
]


@each(
    ("path", "text", "expected"),
    CASES,
)
def test_names_and_values(path: str, text: str, expected: dict[str, Said]) -> None:
    read = document(path, text)
    assert not read.problems
    assert_regions(read)
    there = read.scopes[0].by_name()
    assert {name: said(there[name]) if name in there else UNKNOWN for name in expected} == expected


SOURCES = [
    ("config.php", PHP, "mail.SMTPSecure", "PHPMailer::ENCRYPTION_STARTTLS"),
    ("a.rb", RUBY, "config.action_mailer.smtp_settings.openssl_verify_mode", "OpenSSL::SSL::VERIFY_NONE"),
    ("a.go", GO, "d.StartTLSPolicy", "mail.MandatoryStartTLS"),
    ("a.cs", CSHARP, "kit.ConnectAsync.2", "SecureSocketOptions.StartTls"),
    ("a.cs", CSHARP, "kit.ServerCertificateValidationCallback", "=> true"),
    ("A.java", JAVA, "PasswordAuthentication.1", "secret()"),
    ("a.js", JAVASCRIPT.replace("make(", "f("), f"{NODEMAILER}.auth.pass", "PASS"),
]


@pytest.mark.parametrize(("path", "text", "name", "source"), SOURCES)
def test_an_unknown_value_says_what_it_comes_from(path: str, text: str, name: str, source: str) -> None:
    assert found(path, text)[name].source == source


FILES = {
    "js": ("a.js", "const A = {};"),
    "ts": ("a.ts", "const A: string = ({} as any)!;"),
    "php": ("a.php", "<?php $A = {};"),
    "ruby": ("a.rb", "A = {}\n"),
    "go": ("a.go", "package a\nvar A = {}\n"),
    "java": ("A.java", "class B {{ void f() {{ Object A = {}; }} }}"),
    "kotlin": ("a.kt", "val A = {}\n"),
    "csharp": ("a.cs", "class B {{ void F() {{ var A = {}; }} }}"),
}
# A language, an expression, X=… in the environment, what it is with it, and what it is without.
ENVIRONMENT = [
    ("js", "process.env.X", "a", string("a"), UNKNOWN),
    ("js", "process.env['X'] || 'd'", "", string("d"), string("d")),
    ("js", "process.env.X ?? 'd'", "", string(""), string("d")),
    ("js", "process.env.X === 'true'", "true", TRUE, UNKNOWN),
    ("js", "process.env.X !== 'false'", "false", FALSE, UNKNOWN),
    ("js", "Number(process.env.X) || 25", "5", number("5"), number("25")),
    ("js", "parseInt(process.env.X || '587', 10)", "25x", number("25"), number("587")),
    ("js", "+process.env.X", "5", number("5"), UNKNOWN),
    ("js", "!!process.env.X", "0", TRUE, UNKNOWN),
    ("js", "process.env.X ? 'a' : 'b'", "", string("b"), UNKNOWN),
    ("js", "['1', 'true'].includes(process.env.X.toLowerCase())", "TRUE", TRUE, UNKNOWN),
    ("js", "env.bool('X', true)", "false", FALSE, TRUE),
    ("js", "configService.get('X_Y')", "a", UNKNOWN, UNKNOWN),
    ("js", "`smtp.${process.env.X}`", "a", string("smtp.a"), UNKNOWN),
    ("ts", "process.env.X", "a", string("a"), UNKNOWN),
    ("php", "getenv('X') ?: 'd'", "", string("d"), string("d")),
    ("php", "$_ENV['X'] ?? 'd'", "0", string("0"), string("d")),
    ("php", "env('X', false)", "true", TRUE, FALSE),
    ("php", "env('X', 'd')", "(null)", NOTHING, string("d")),
    ("php", "(int) env('X', 587)", "25", number("25"), number("587")),
    ("php", "filter_var(getenv('X'), FILTER_VALIDATE_BOOLEAN)", "on", TRUE, UNKNOWN),
    ("php", "getenv('X') === 'true'", "TRUE", FALSE, UNKNOWN),
    ("php", "!empty(getenv('X'))", "0", FALSE, UNKNOWN),
    ("php", "in_array(getenv('X'), ['1', 'true'])", "1", TRUE, UNKNOWN),
    ("ruby", "ENV['X']", "a", string("a"), UNKNOWN),
    ("ruby", "ENV.fetch('X', 587)", "25", string("25"), number("587")),
    ("ruby", "ENV.fetch('X') { 'd' }", "a", string("a"), string("d")),
    ("ruby", "ENV.fetch('X', '587').to_i", "25", number("25"), number("587")),
    ("ruby", "ENV['X'] || 'd'", "", string(""), string("d")),
    ("ruby", "ENV['X'].presence || 'd'", "", string("d"), string("d")),
    ("ruby", "ENV['X'] == 'true'", "true", TRUE, UNKNOWN),
    ("ruby", "ENV['X'].present?", "", FALSE, FALSE),
    ("ruby", "%w[1 true].include?(ENV['X'])", "1", TRUE, UNKNOWN),
    ("ruby", "ActiveModel::Type::Boolean.new.cast(ENV['X'])", "off", FALSE, UNKNOWN),
    ("ruby", "ENV.fetch('X', 'plain').to_sym", "login", ("word", "login"), ("word", "plain")),
    ("go", 'os.Getenv("X")', "a", string("a"), UNKNOWN),
    ("go", 'getEnv("X_Y", "d")', "a", string("d"), string("d")),
    ("go", 'os.Getenv("X") == "true"', "true", TRUE, UNKNOWN),
    ("go", 'cmp.Or(os.Getenv("X"), "d")', "a", string("a"), string("d")),
    ("java", 'System.getenv("X")', "a", string("a"), UNKNOWN),
    ("java", 'System.getenv().getOrDefault("X", "d")', "a", string("a"), string("d")),
    ("java", 'System.getenv("X") != null ? System.getenv("X") : "d"', "a", string("a"), string("d")),
    ("java", 'Optional.ofNullable(System.getenv("X")).orElse("d")', "a", string("a"), string("d")),
    ("java", 'Boolean.parseBoolean(System.getenv("X"))', "yes", FALSE, UNKNOWN),
    ("java", '"true".equalsIgnoreCase(System.getenv("X"))', "TRUE", TRUE, UNKNOWN),
    ("java", 'Integer.parseInt(System.getenv("X"))', "25", number("25"), UNKNOWN),
    ("kotlin", 'System.getenv("X") ?: "d"', "a", string("a"), string("d")),
    ("kotlin", 'System.getenv("X")?.toInt() ?: 25', "5", number("5"), number("25")),
    ("kotlin", 'System.getenv("X").toBoolean()', "TRUE", TRUE, UNKNOWN),
    ("csharp", 'Environment.GetEnvironmentVariable("X") ?? "d"', "a", string("a"), string("d")),
    ("csharp", 'Configuration["X"]', "a", string("a"), UNKNOWN),
    ("csharp", 'config.GetValue<int>("X", 25)', "5", number("5"), number("25")),
    ("csharp", 'bool.Parse(Environment.GetEnvironmentVariable("X"))', "False", FALSE, UNKNOWN),
]


@each(("language", "expression", "value", "there", "absent"), ENVIRONMENT)
def test_the_environment(language: str, expression: str, value: str, there: Said, absent: Said) -> None:
    path, form = FILES[language]
    text = form.format(expression)
    name = "A"
    assert said(found(path, text, X=value)[name]) == there
    without = found(path, text)[name]
    assert said(without) == absent
    if absent != UNKNOWN and absent not in {FALSE, TRUE}:
        assert [one.kind for one in without.remarks] == ["defaulted"]


def test_a_switch_that_is_not_in_the_file_beside_is_not_set() -> None:
    text = "f({ secure: process.env.SECURE === 'true', ignoreTLS: process.env.IGNORE_TLS, pass: process.env.TLS_PASS })"
    with_file = found("a.js", text, OTHER="1")
    assert [said(with_file[f"f.{name}"]) for name in ("secure", "ignoreTLS", "pass")] == [
        FALSE,
        NOTHING,
        UNKNOWN,
    ]
    assert all(said(found("a.js", text)[f"f.{name}"]) == UNKNOWN for name in ("secure", "ignoreTLS", "pass"))


FORKS = [
    ("js", "let A; if ({}) {{ A = 'x'; }} else {{ A = 'y'; }}", "a.js"),
    ("php", "<?php if ({}) {{ $A = 'x'; }} else {{ $A = 'y'; }}", "a.php"),
    ("ruby", "if {}\n A = 'x'\nelse\n A = 'y'\nend", "a.rb"),
    ("go", 'package a\nfunc f() {{ var A = ""; if {} {{ A = "x" }} else {{ A = "y" }} }}', "a.go"),
    ("java", 'class B {{ void f() {{ String A; if ({}) {{ A = "x"; }} else {{ A = "y"; }} }} }}', "B.java"),
    ("kotlin", 'fun f() {{\n var A: String\n if ({}) {{\n A = "x"\n }} else {{\n A = "y"\n }}\n}}', "a.kt"),
    ("csharp", 'class B {{ void F() {{ string A; if ({}) {{ A = "x"; }} else {{ A = "y"; }} }} }}', "a.cs"),
]


@pytest.mark.parametrize(("language", "form", "path"), FORKS, ids=[fork[0] for fork in FORKS])
def test_what_a_condition_leaves_open_is_unknown(language: str, form: str, path: str) -> None:
    assert said(found(path, form.format("unknown"))["A"]) == UNKNOWN
    assert said(found(path, form.format("true"))["A"]) == string("x")
    assert said(found(path, form.format("false"))["A"]) == string("y")


def test_options_of_a_condition_are_unknown_too() -> None:
    there = found(
        "a.js", "f({ auth: user ? { user: 'u', pass: 'p' } : undefined, ...(tls && { tls: { a: 1 } }) })"
    )
    assert said(there["f.auth.user"]) == said(there["f.tls.a"]) == UNKNOWN
    there = found("a.js", "const user = 'x'; f({ auth: user ? { user } : undefined })")
    assert said(there["f.auth.user"]) == string("x")


LITERALS = {
    "csharp": ("a.cs", "class B {{ void F() {{ var A = {}; }} }}"),
    "go": ("a.go", "package a\nvar A = {}\n"),
    "java": ("A.java", "class B {{ void f() {{ Object A = {}; }} }}"),
    "javascript": ("a.js", "const é = 1, A = {};"),
    "kotlin": ("a.kt", "val A = {}\n"),
    "php": ("a.php", "<?php\n$é = 1; $A = {};"),
    "ruby": ("a.rb", "A = {}\n"),
}
TEXTS = st.text(max_size=10) | st.lists(
    st.sampled_from(
        [
            "$",
            "{",
            "}",
            "#",
            "\\",
            "'",
            '"',
            "`",
            "\n",
            "\r",
            "?>",
            "\\u0041",
            "${a}",
            "#{a}",
            "%",
            "한",
            "🔑",
            "\0",
        ]
    ),
    max_size=6,
).map("".join)


@pytest.mark.parametrize("language", LITERALS)
@settings(max_examples=examples(20))
@given(text=TEXTS, old=st.sampled_from(["'a'", '"a"', ""]))
def test_what_is_written_is_read_back(language: str, text: str, old: str) -> None:
    try:
        raw = write(text, "string", language, old)
    except UnwritableError:
        return
    path, form = LITERALS[language]
    read = document(path, form.format(raw))
    one = read.scopes[0].by_name()["A"]
    assert said(one) == string(text)
    assert read.texts[path][one.region.start : one.region.end] == raw
    assert not read.problems


@each(
    ("path", "text", "expected"),
    CASES,
)
def test_a_literal_is_changed_and_nothing_else(path: str, text: str, expected: dict[str, Said]) -> None:
    before = document(path, text).scopes[0].assignments
    regions = {
        one.region: one
        for one in before
        if one.style and one.kind == "string" and not one.effect and "smtp.port" not in str(one.value)
    }
    assert regions
    for region, one in regions.items():
        raw = write("new\\'\"$x", "string", one.style, text[region.start : region.end])
        after = document(path, edited(text, [(region, raw)])).scopes[0].assignments
        assert [each.name for each in after] == [each.name for each in before]
        for old, new in zip(before, after, strict=True):
            if old.region == region and old.kind == "string":
                assert new.value == "new\\'\"$x"


ODD = [
    "", "(" * 600, "x = " + "[" * 600 + "]" * 600, "{" * 600, "f(" * 500 + ")" * 500, "a" + ".b()" * 500,
    'x = "a"' + ' + "a"' * 600, "x = " + "!" * 600 + "a", "x = " + "a ? " * 500 + "1" + " : 2" * 500, '"' * 601,
    "x = '" + "\\" * 601, "if (a) { x = 1; } else " * 500 + "{}", "if (a) {" * 500, "x = 'a\0b'", "x = '\udcff\ud800'",
    "".join(map(chr, range(32))) * 20, "\ufeffx = 1", 'x = "' + '#{"${`' * 500, "a" + "[0]" * 600 + " = 1", "x = " + "() => " * 1000 + "1",
    "/*" * 600, "x = <<~A\n" * 100, "a = b; b = a; c = {x: c, y: c};",
    "".join(f"a{at} = a{at + 1} + a{at + 1};\n" for at in range(60)) + "a60 = 'x';", "한글🔑 = '한글🔑'; " * 300, "x" * 70_000,
]  # fmt: skip


@each("language", FILES)
def test_what_is_no_settings_file_is_borne(language: str) -> None:
    path = FILES[language][0]
    head = {"php": "<?php ", "go": "package a\n"}.get(language, "")
    for text in some_of(ODD, 2, list(FILES).index(language)):
        with contextlib.suppress(TooLargeError):
            assert_regions(document(path, head + text))


SIGNS = st.lists(
    st.sampled_from(
        ["x", "$x", "'a'", '"b"', "`", "=", "=>", "->", ".", "::", "(", ")", "[", "]", "{", "}", ",", ":", ";", "\n", "?", "||",
         "new", "if", "else", "end", "do", "class", "function", "return", "const", "#{", "${", "1", "é", "\\", "/*", "//"]
    ),
    max_size=25,
)  # fmt: skip


@pytest.mark.parametrize("language", FILES)
@settings(max_examples=examples(15))
@given(signs=SIGNS)
def test_any_tokens_are_read(language: str, signs: list[str]) -> None:
    path = FILES[language][0]
    assert_regions(document(path, ("<?php " if language == "php" else "") + " ".join(signs)))


@each("language", FILES)
def test_what_was_understood_is_kept_beside_a_mistake(language: str) -> None:
    path, form = FILES[language]
    text = form.format('"x"') + "\n) ) = ( {\n"
    read = document(path, text)
    assert [one.kind for one in read.problems][:1] == ["syntax"]
    assert said(read.scopes[0].by_name()["A"]) == string("x")


def test_no_value_is_in_what_is_shown_of_it() -> None:
    for path, text, _ in CASES:
        read = document(path, text)
        assert "example.com" not in repr(read) + repr(read.scopes) + repr(read.scopes[0].assignments)


def test_what_is_no_code_does_not_take_for_ever() -> None:
    text = "".join(chr(33 + (at * at * 7 + at // 3) % 90) for at in range(4_000))
    for path, _ in FILES.values():
        assert_regions(document(path, text))


@pytest.mark.parametrize(
    "text",
    [
        'class C { fun m() { val p = Properties(); p["mail.smtp.host"] = "a" } }',
        'class C { val p = Properties().apply { put("mail.smtp.host", "a") } }',
        'object C { init { props["mail.smtp.host"] = "a" } }',
        'class A { class B { fun m() { p["mail.smtp.host"] = "a" } } }',
    ],
)
def test_a_class_of_kotlin_may_stand_on_one_line(text: str) -> None:
    """Its grammar wants the last line of a body ended; what is read is the text as it stands."""
    for whole in (text, text.replace(" }", "\n}")):
        assert document("Mail.kt", whole).problems == ()
        one = found("Mail.kt", whole)["mail.smtp.host"]
        assert one.value == "a"
        assert whole[one.region.start : one.region.end].strip('"') == "a"


@pytest.mark.parametrize("name", ["x.php", "x.js", "x.py"])
@pytest.mark.parametrize(
    "line", ["$a = ['host' => 'h', 'x' => ['y' => 'z']];", "a = {host: 'h', x: [1, [2], {y: 'z'}]};", "f(g(h(1, 2), 3), 4);"]
)  # fmt: skip
def test_dense_code_is_refused_before_it_takes_its_room(name: str, line: str) -> None:
    """What is within the limits of characters may be a tree of millions of nodes."""
    text = ("<?php\n" if name.endswith("php") else "") + f"{line}\n" * (1_900_000 // len(line))
    with pytest.raises(TooLargeError) as told:
        document(name, text)
    assert told.value.what == "signs"


@given(
    headers=st.permutations(["From", "To", "Subject", "Reply-To"]),
    call=st.sampled_from(["SetHeader", "SetAddressHeader", "AddHeader"]),
)
def test_each_header_of_a_message_has_its_own_name(headers: list[str], call: str) -> None:
    """The same function sets them all: what was said last is not the sender for that."""
    lines = "".join(f'  m.{call}("{one}", "{one.lower()}@example.com")\n' for one in headers)
    read = found("a.go", f"package a\nfunc f() {{\n{lines}}}\n")
    for one in headers:
        assert read[f"m.Header.{one}"].value == f"{one.lower()}@example.com"
