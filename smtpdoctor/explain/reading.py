"""A record → evidence: codes, error tokens, stage, library, provider; or None where it is no mail failure."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from msgspec import Struct

from smtpdoctor.diagnosis import Context
from smtpdoctor.explain.dialogue import dialogue
from smtpdoctor.explain.records import Record
from smtpdoctor.knowledge import load
from smtpdoctor.knowledge.patterns import matches
from smtpdoctor.model import Evidence, Origin, Setting, Settings, Stage

__all__ = ["FAILURE", "Reading", "read", "says_failure", "subject_of", "token_in"]

_STRONG: Final = (
    r"smtp|starttls|nodemailer|phpmailer|swift_?mailer|swift_transport|symfony.{0,3}mailer|sendmail|postfix|sendemail|exim\b|javax\.mail|jakarta\.mail"
    r"|actionmailer|mailkit|gomail|go-mail|lettre|swoosh|bamboo|aiosmtp|net::smtp|msmtp|swaks|haraka|opensmtpd|mailer"
    r"|zend.{0,2}mail|laminas.{0,2}mail|invalid response code received from server|command\W{1,4}(?:CONN|AUTH|MAIL|RCPT|DATA|EHLO|STARTTLS|API)\b|\b(?:ESOCKET|EDNS|ECONNECTION|EPROTOCOL|EENVELOPE|ETLS)\b|\behlo\b|\bhelo\b|mail from|rcpt to|\brcpt\b|esmtp|sasl auth|e(?:auth|envelope|message)\b|dsn=\d|relay=|mail server|mail host|mailserver"
    r"|(?:^|\D)(?::|port\W{1,3}(?:=>?)?\W{0,2})(?:25|465|587|2525|2465|2587|1025)\b"
    r"|\b[45]\d\d[ -]#?[45]\.\d{1,2}\.\d{1,3}\b|메일 ?서버|mx record"
    r"|emailjs|lettre|\bcdo\.message|\b(?:0x)?800402(?:0[a-f]|1[0-9a-f]|20)\b|-21472209[678]\d\b|org\.apache\.commons\.mail|mailconnectexception|sp_send_dbmail|database ?mail\b|mcoerrordomain|\bE(?:NOAUTH|OAUTH2|REQUIRETLS|MAXLIMIT|SENDMAIL)\b|MAIL_URL|yagmail|flask_mail|fastapi_mail|sent ?e-?mail|maximum credits exceeded|email_address_not_authorized"
)
_WEAK: Final = (
    r"\be-?mails?\b|\bmail\b|\bmailbox|메일|メール|邮件|郵件|邮箱|信箱|почт|correo|courriel|posta elettronica|poczt"
    r"|recipient|\bsender\b|message-id|\b354\b[^\n]{0,24}end data"
)
# Not sending: a mailbox is read, or something else than mail is connected to.
_MAILBOX: Final = r"\b331 (?:password|please)|\bftp service\b|redis::\w*error|sqlstate\[|\bpdoexception|postgrex|activerecord::\w*(?:connection|database)|imapstore|imap\.imap|imaplib|pop3store|poplib|imap4|\bimap\b[^\n]{0,40}(?:login|connect|auth|fail)"
_FOREIGN: Final = (
    r"postgres|psycopg|mysql|mariadb|\bredis|mongo|\bkafka|rabbitmq|\bamqp|elastic|\bldap|\bimap|\bpop3\b|\bftp>|\bs3\b|memcached"
    r"|clickhouse|\bdb\b|database|typeorm|sqlalchemy|jdbc|hikari|\bupstream\b|docker daemon|registry-?\d?\.|\bssh:|\bgrpc\b"
    r"|https?connectionpool|\b(?:get|post|put|patch|delete|head) \S+ http/|\bget \"?https?://|get request for"
    r"|(?::|port\W{1,3})(?:443|80|8080|5432|3306|6379|27017|9200|5672|9092|11211|389|636|993|995|143)\b|\bport 22\b"
    r"|\bpost \\?\"?https?://|telegram|\bslack|discord|\bport 21\b|httprequestexception|system\.net\.http|okhttp|httpurlconnection|\bhttpx\b|\baiohttp|\breqwest|\bhyper::|node-fetch|\bfetcherror\b|\bundici|sqlexception|sqlclient|\bora-\d{5}|resttemplate|\bfeign\b|\bkex_|\bsshd|\burl\b\W{0,4}https?://|with user and pass\b|\bntfy\b|kibana|logstash|axios|urllib3|mint\.transporterror|\bkube|\bwebhook"
)
# That something went wrong, whatever it was.
FAILURE: Final = (
    r"(?:\b|_)fail(?:[^2]|$)|error|\bunable\b|could ?n[o']t|\bcan ?n[o']t\b|can't|\bnot able\b|did ?n[o']t|won't|reject|refus|denied|invalid|timed? ?out|exception"
    r"|실패|오류|에러|거부|못했|않|失敗|エラー|できません|失败|错误|超过|未|錯誤|無法|无法|拒绝|fehler|fehlgeschlagen|konnte nicht|échec|échoué|erreur|impossible"
    r"|fall[oó]|fallit|no se p|perdue?\b|n.a pas|non è stat|falha|erro\b|não foi poss|ошибк|не удалось|сбой|błąd|nie udało|kesalahan|gagal|fout|mislukt|errore|impossibile|hata|başarısız|lỗi|không thể"
)
_TLS_PORTS: Final = frozenset({465, 2465})
_SILENCE: Final = frozenset({"timeout", "ETIMEDOUT", "eof", "ECONNRESET"})
# The connection was made, and then nothing came.
_WAITED: Final = r"\bread\w*\b|greeting|eof caught|response|reply|rbuf_fill|receiv|welcome|expected response code 220|handshake|SmtpClient\.Send|init connection"
_IN_TLS: Final = r"\b(?:ssl|smtps)://|\b(?:secure|isssl|ssl|enable_ssl|smtp_ssl|use_ssl|implicit)\b\W{0,4}(?:true|yes|on|1)\b|smtp_ssl\(|smtplib\.SMTP_SSL|sslobj|tls_wrap|SSL_connect|ssl handshake|tls handshake|SSLSocket"
# Can do STARTTLS only, whatever its setting is called.
_NEVER_IMPLICIT: Final = r"system\.net\.mail|send-mailmessage"
# Beside a web server's log: what Postfix notes of clients it does not know, which is no failure of its own.
_ACCESS_LOG: Final = (
    r'"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) \S+ HTTP/[\d.]+" \d{3}'
    r"|\A[^\n]*postfix/[^\n]{0,40}: (?:warning: hostname \S+ does not resolve to address|lost connection after (?:CONNECT|UNKNOWN) from|DNSBL rank \d+ for)[^\n]*\z"
)
_LOOPBACK: Final = r"(?:127\.0\.0\.1|::1\]?|localhost)(?::|,? port:? ?)(?:465|587|2465|2587)\b"
_DNS_TOKENS: Final = frozenset({"nxdomain", "no-address", "servfail", "dns-timeout", "EAI_AGAIN"})
_RESOLVING: Final = (
    r"getaddrinfo|\bgai|enotfound|lookup|resolve|name or service|unknown ?host|no such host|name service"
)
_REFUSED: Final = 535
_XOAUTH2: Final = r"auth xoauth2(?: [a-z0-9+/=.]{6,}|\s*(?:\n|$))"
_REPORT_FIELD: Final = re.compile(r"\b((?:Remote|Reporting|Received-From)-MTA): *dns;", re.IGNORECASE)
# qmail-send writes its report with an underscore for each blank.
_QMAIL_REPORT: Final = re.compile(r"\bdelivery \d+: (?:failure|deferral): \S+")
_FOLD: Final = re.compile(r"[ \t]*\n[ \t]*")
_SHORT: Final = 400
_FEW: Final = 4

_REPLY: Final = re.compile(
    r"(?<![\d.:/-])(2\d\d|4[23457]\d|5\d\d)(?:[ -]|[\"']?, ?[\"']?)#?([245]\.\d{1,3}\.\d{1,3})(?!\d)"
)
_CODED: Final = re.compile(
    r"""(?:response ?code|reply ?code|smtp[ _]?code|status ?code|(?<!exit\ )\bcode|said:?|received(?::|\ from\ server)|server\ (?:response|replied|said|message)(?:\ was)?|serverantwort\ (?:war|lautete)|r[ée]ponse\ du\ serveur\ [ée]tait|respuesta\ del\ servidor\ fue|resposta\ do\ servidor\ foi|risposta\ del\ server(?:\ [eè]\ stata)?|服务器响应为|サーバーの応答|서버\ 응답|ответ\ сервера|(?:answer|reply|response)\ (?:on|to)\ [a-z ]{4,12}|server|got(?:\ code)?|exception:?|response:?|stat=|result=|smtpstatus=|=>|smtp\ code\ 250,\ got|(?:SENT|RECEIVED):|reason:|smtp;|talk\ to\ me:|replied:?|(?:r[eé]pondu|respondi[oó]|respondeu|risposto|antwortete|ответил|responded|Odpowied[zź]\ serwera|Antwort\ des\ Servers)\ ?:|响应：|返回：|応答:|메시지:|응답:|remote\ mail(?:er|\ server)\ after\ [^\n]{2,200}?:|Net::SMTP\w+:|(?:MAIL|RCPT)\ failed:|stat=[^\n:]{1,40}:|reply:?|error:?|err:?|<\*\*|<[-~]|refused\ \(|\bsmtp[^\n()]{0,12}\((?=[2-5]\d\d\)\s?[:：])|smtp\w*(?:error|exception):?)
        [^\w\n]{0,6}(?<![\d.])(2\d\d|4[23457]\d|5\d\d)(?![\d.:/])""",
    re.IGNORECASE | re.VERBOSE,
)
# Libraries that tell a code in words: the basic code, and how they word it.
_WORDED: Final[tuple[tuple[int, str], ...]] = (
    (535, r"AuthenticationInvalidCredentials"),
    (534, r"AuthenticationMechanismTooWeak"),
    (538, r"EncryptionRequiredForAuthenticationMechanism"),
    (454, r"TemporaryAuthenticationFailure"),
    (530, r"\bAuthenticationRequired:"),
    (550, r"Mailbox unavailable\. (?:The )?server response|(?:postfach nicht verfügbar|bo[iî]te aux lettres non disponible|buzón no disponible|cassetta postale non disponibile|caixa de correio (?:não disponível|indisponível)|メールボックスを利用できません|邮箱不可用|信箱無法使用|사서함을 사용할 수 없|почтовый ящик недоступен)"),
    (552, r"Exceeded storage allocation\. (?:The )?server"),
    (553, r"Mailbox name not allowed\. (?:The )?server"),
    (554, r"Transaction failed\. (?:The )?server"),
    (421, r"Service not available, closing transmission channel\. (?:The )?server|\bServiceNotAvailable:"),
    (451, r"Error in processing\. (?:The )?server|\bErrorInProcessing:"),
    (452, r"Insufficient system storage\. (?:The )?server|\bInsufficientStorage:"),
    (500, r"(?:Syntax error, command unrecognized|Command unrecognized)\. (?:The )?server|\bCommandUnrecognized:"),
    (501, r"Syntax error in (?:command )?(?:parameters or )?arguments\. (?:The )?server"),
    (502, r"Command not implemented\. (?:The )?server"),
    (503, r"Bad sequence of commands\. (?:The )?server"),
    (504, r"Command parameter not implemented\. (?:The )?server"),
)  # fmt: skip
_LEADING: Final = re.compile(r"^\W{0,4}(4[23457]\d|5\d\d)(?:[ -]|$|(?=[A-Z]))", re.MULTILINE)
_ENHANCED: Final = re.compile(r"(?<![\d.])([245]\.\d{1,2}\.\d{1,3})(?![\d.])")
# How lettre prints a code: by the meaning of its digits (RFC 5321 section 4.2.1).
_SPELT_OUT: Final = re.compile(
    r"severity: (\w+NegativeCompletion), category: (\w+), detail: (\w+)", re.IGNORECASE
)
_SEVERITIES: Final = {"transientnegativecompletion": 400, "permanentnegativecompletion": 500}
_CATEGORIES: Final = ("syntax", "information", "connections", "unspecified3", "unspecified4", "mailsystem")
_DETAILS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PORT: Final = re.compile(
    r"(?:[\w\])]:|port\W{0,3}(?:=>?)?\W{0,2}|PORT=['\"]?)(25|465|587|2525|2465|2587|1025)\b", re.IGNORECASE
)
_HOST: Final = re.compile(r"\b((?:[a-z0-9_-]+\.){1,6}[a-z]{2,24})\b", re.IGNORECASE)

_STAGES: Final[tuple[tuple[Stage, str], ...]] = (
    (Stage.AUTH, r"command: '?AUTH|\bEAUTH\b|invalid login|authenticat|\bAUTH (?:PLAIN|LOGIN|CRAM|XOAUTH)|_login\b|SMTPAuthenticationError|\bsasl\b|로그인|인증 ?실패"),
    (Stage.GREETING, r"in connect\W[\s\S]{0,80}getreply"),
    (Stage.TLS, r"starttls|\btls\b|\bssl\b[^.)]|certificate|handshake|인증서"),
    (Stage.SEND, r"end of data|end-of-message|command: '?DATA|data command|SMTPDataError|after (?:the )?(?:final|end)|message failed"),
    (Stage.RECIPIENT, r"rcpt to|reject(?:ed)?:? rcpt|rcpt failed: \d|command: '?RCPT|SMTPRecipientsRefused|SmtpFailedRecipient|RecipientNotAccepted|SMTPAddressFailed|\brcptTo\(|recipients? (?:address )?(?:rejected|refused|were rejected)|invalid addresses|in reply to rcpt"),
    (Stage.SENDER, r"mail from|mail failed: \d|command: '?MAIL|SMTPSenderRefused|SenderNotAccepted|SMTPSenderFailed|\bmailFrom\(|MailCommand\.|sender (?:address )?(?:rejected|refused)|in reply to mail"),
    (Stage.GREETING, r"\b[eh][eh]lo\b(?:[^=]|$)|greeting|SMTPHeloError|SMTPConnectError|refused to talk to me"),
    (Stage.DNS, r"getaddrinfo|enotfound|unknownhost|\bdns\b|name resolution|no such host"),
    (Stage.CONNECT, r"econnrefused|connection refused|etimedout|could not connect|command: '?CONN"),
)  # fmt: skip
# Plain words: the first library of which one occurs, in lower case.
_LIBRARIES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("nodemailer", ("nodemailer", "smtp-connection", "'eauth'", "'esocket'", "'eenvelope'", "command: 'conn", "command: 'auth")),
    ("laravel", ("laravel", "illuminate", "artisan")),
    ("symfony", ("symfony",)),
    ("phpmailer", ("phpmailer", "smtp -> error", "smtp connect() failed", "class.smtp.php")),
    ("django", ("django",)),
    ("smtplib", ("smtplib",)),
    ("javamail", ("javax.mail", "jakarta.mail", "angus.mail", "mailsendexception", "springframework.mail")),
    ("ruby", ("net::smtp", "net::opentimeout", "actionmailer", "net/smtp.rb")),
    ("dotnet", ("system.net.mail", "mailkit")),
    ("go", ("gomail", "go-mail", "net/smtp", ".go:")),
    ("postfix", ("postfix/",)),
    ("exim", ("exim",)),
    ("swaks", ("<**", "=== connected")),
    ("curl", ("curl: (", "* closing connection")),
)  # fmt: skip


class Subject(Enum):
    """What a text is about."""

    MAIL = "mail"
    OTHER = "other"
    UNKNOWN = "unknown"


class Reading(Struct, frozen=True):
    """The evidence in a record; ``sure``: the text is about mail, whatever the evidence says."""

    evidence: Evidence
    context: Context
    sure: bool


def token_in(text: str) -> str | None:
    """Return the error token that the text words; the file's order puts the special ones first."""
    fitting = load.word_sieve().fitting(text.lower())
    return next((word.token for word in fitting if matches(word.text, text)), None)


def subject_of(text: str, *, pasted: bool) -> Subject:
    """Say whether a text is about mail, about something else, or gives no hint.

    ``pasted``: a person chose this text, which a short one gives the benefit of the doubt.
    """
    if matches(_ACCESS_LOG, text):
        return Subject.OTHER
    if matches(_MAILBOX, text) and "smtp" not in text.lower():
        return Subject.OTHER
    if matches(_STRONG, text):
        return Subject.MAIL
    if matches(_FOREIGN, text):
        return Subject.OTHER
    short = pasted and len(text) <= _SHORT and text.count("\n") < _FEW
    return Subject.MAIL if short or matches(_WEAK, text) else Subject.UNKNOWN


def says_failure(text: str) -> bool:
    """Whether a line of the text says that something with mail went wrong, whatever it was."""
    return any(
        matches(FAILURE, line) and (matches(_STRONG, line) or matches(_WEAK, line))
        for line in text.split("\n")
    )


def _code(text: str) -> tuple[int | None, str | None]:
    """Return the basic and the enhanced code of the failure that a text tells of."""
    replies = [(int(code), enhanced) for code, enhanced in _REPLY.findall(text)]
    bad = [reply for reply in replies if reply[0] >= 400]  # noqa: PLR2004
    if bad:
        return bad[0]
    if (spelt := _spelt_out(text)) is not None:
        return spelt, enhanced[1] if (enhanced := _ENHANCED.search(text)) else None
    found = [int(one) for one in _CODED.findall(text)] + [int(one) for one in _LEADING.findall(text)]
    code = next((one for one in found if one >= 400), None)  # noqa: PLR2004
    if code is None:
        code = next((one for one, worded in _WORDED if matches(worded, text)), None)
    enhanced = _ENHANCED.search(text)
    return code, enhanced[1] if enhanced and enhanced[1][0] in "45" else None


def _spelt_out(text: str) -> int | None:
    found = _SPELT_OUT.search(text)
    if found is None:
        return None
    severity, category, detail = (part.lower() for part in found.groups())
    if severity not in _SEVERITIES or category not in _CATEGORIES or detail not in _DETAILS:
        return None
    return _SEVERITIES[severity] + 10 * _CATEGORIES.index(category) + _DETAILS.index(detail)


def _provider(text: str, given: str | None) -> str | None:
    if given is not None:
        return given
    lowered = text.lower()
    names = load.names()
    return names.of_mark(lowered) or next(filter(None, map(names.of_host, _HOST.findall(lowered))), None)


def _labels(text: str, code: int | None, error: str | None, port: int | None) -> frozenset[str]:
    """Return what a live probe would have noticed beside the error."""
    labels = set()
    if code == _REFUSED and matches(_XOAUTH2, text):
        labels.add("oauth")
    if error == "ECONNREFUSED" and matches(_LOOPBACK, text):
        # Where nobody runs a mail server: the library's default, since the setting was never loaded.
        labels.add("loopback-default")
    plain = matches(_NEVER_IMPLICIT, text) or not matches(_IN_TLS, text)
    if code is None and port in _TLS_PORTS and error in _SILENCE and matches(_WAITED, text) and plain:
        labels.add("silent-tls-port")
    return frozenset(labels)


def read(record: Record, provider: str | None, *, pasted: bool) -> Reading | None:
    """Return what a record tells, or None where it is about something else than mail."""
    # RFC 3464 names the type of a host name there, which says nothing about DNS.
    text = _REPORT_FIELD.sub(r"\1:", record.text)
    text = _QMAIL_REPORT.sub(lambda report: report[0].replace("_", " ").replace("/", " "), text)
    subject = subject_of(text, pasted=pasted)
    if subject is Subject.OTHER:
        return None
    talk = dialogue(text) if record.first != record.last else None
    said = talk.refusal if talk else None
    code, enhanced = _code(text) if said is None else (said.code, said.enhanced)
    stage = (said.stage if said else talk and talk.stage) or next(
        (stage for stage, pattern in _STAGES if matches(pattern, text)), None
    )
    lowered = text.lower()
    library = next((name for name, words in _LIBRARIES if any(word in lowered for word in words)), None)
    port = int(found[1]) if (found := _PORT.search(text)) else None
    error = token_in(text)
    if code is not None and error in _DNS_TOKENS and not matches(_RESOLVING, text):
        error = None  # a server that speaks of DNS in its reply has resolved no name of ours
    labels = _labels(text, code, error, port)
    origin = Origin("file", "", None, record.first)
    settings = Settings(port=Setting(port, origin) if port else None)
    evidence = Evidence(
        stage=stage,
        code=code,
        enhanced=enhanced,
        error=error,
        labels=labels,
        text=_FOLD.sub(" ", text),  # a report's lines are folded and indented
        origin=None,
    )
    context = Context(settings=settings, provider=_provider(text, provider), library=library)
    if subject is Subject.UNKNOWN and not pasted:
        return None  # in a log, words that could be about mail mostly are not
    return Reading(evidence, context, sure=subject is Subject.MAIL)
