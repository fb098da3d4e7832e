"""Shapes in which people paste their settings, dialogues and traces, with a place for a secret.

A shape is a template: ``{s}`` is where the secret stands, as it is; ``{u}`` a user, ``{h}`` a host, ``{n}`` a
name of a variable that holds a password. The kind says what a secret must be free of to stand there:
``word`` blanks and what closes it, ``quoted`` nothing but the quote itself where something follows,
``line`` the end of a line, ``coded`` everything but base64.
"""

from __future__ import annotations

import base64
import json
from typing import Final

__all__ = ["FAILURES", "NAMES", "PLAIN_NAMES", "SHAPES", "leaked"]

NAMES: Final = (
    "SMTP_PASSWORD", "MAIL_PASSWORD", "EMAIL_HOST_PASSWORD", "SMTP_PASS", "MAIL_PW", "smtpPassword", "smtp_pwd",
    "RESEND_KEY", "SENDGRID_API_KEY", "MAILGUN_SECRET", "POSTMARK_SERVER_TOKEN", "SMTP_TOKEN", "spring.mail.password",
    "mail.smtp.password", "SmtpPass", "GF_SMTP_PASSWORD", "NODEMAILER_PASS", "SMTP_AUTH_PASSWORD", "SMTPPASS",
    "WORDPRESS_SMTP_PASS", "SMTP_PASSWORD_PROD", "MAILER_PASSWORD_2", "AWS_SECRET_ACCESS_KEY", "smtp-password",
    "MAILJET_SECRET_KEY", "BREVO_API_KEY", "OAUTH_REFRESH_TOKEN", "CLIENT_SECRET", "userPassword", "mailPw", "smtpKey",
)  # fmt: skip
PLAIN_NAMES: Final = (
    "password", "Password", "passwd", "pass", "pwd", "secret", "api_key", "apiKey", "token", "access_token", "passwort",
    "비밀번호", "암호", "パスワード", "密码", "пароль", "contraseña", "mot de passe", "senha", "Kennwort", "passphrase",
    "auth_token", "credentials", "授权码",
)  # fmt: skip

# Kind, template. `{n}` stands for one of NAMES, `{p}` for one of PLAIN_NAMES.
SHAPES: Final[tuple[tuple[str, str], ...]] = (
    # settings files and environments
    ("word", "{n}={s}"),
    ("line", "{n}={s}\n"),
    ("double", '{n}="{s}"'),
    ("single", "{n}='{s}'"),
    ("word", "export {n}={s}"),
    ("double", 'export {n}="{s}"'),
    ("line", "set {n}={s}\n"),
    ("double", 'setx {n} "{s}"'),
    ("double", '$env:{n} = "{s}"'),
    ("single", "$env:{n}='{s}';"),
    ("word", "ENV {n}={s}"),
    ("double", 'ENV {n} "{s}"'),
    ("word", "-e {n}={s}"),
    ("double", '--env {n}="{s}"'),
    ("double", 'declare -x {n}="{s}"'),
    ("word", "{n} = {s}"),
    ("word", "{n}: {s}"),
    ("line", "  {n}: {s}\n"),
    ("double", '{n}: "{s}"'),
    ("single", "{n}: '{s}'"),
    ("word", "[smtp]\n{p} = {s}"),
    ("line", "smtp:\n  host: {h}\n  {p}: {s}\n  port: 587"),
    ("double", 'smtp:\n  host: {h}\n  {p}: "{s}"\n  port: 587'),
    ("line", "password: |\n  {s}\n"),
    ("line", "password: >-\n    {s}\n"),
    ("line", "password: !binary |\n  {s}\n"),
    ("double", '- name: {n}\n  value: "{s}"'),
    ("single", "- name: {n}\n  value: '{s}'"),
    ("word", "- name: {n}\n  value: {s}"),
    ("line", "        - name: {n}\n          value: {s}\n"),
    ("word", "- name: {n} value: {s}"),
    ("double", 'env: [{{name: {n}, value: "{s}"}}]'),
    ("json", '{{"name": "{n}", "value": "{s}"}}'),
    ("json", '{{"name":"{n}","value":"{s}"}}'),
    ("json", '{{"Name":"{n}","Value":"{s}"}}'),
    ("json", '{{\n  "name": "{n}",\n  "value": "{s}"\n}}'),
    ("json", '{{"{n}": "{s}"}}'),
    ("json", '{{"user":"{u}","{p}":"{s}","host":"{h}"}}'),
    ("json", "{{'user': '{u}', '{p}': \"{s}\"}}"),
    ("single", "{{'user': '{u}', '{p}': '{s}'}}"),
    ("json", '"Env": ["PATH=/usr/bin", "{n}={s}", "TZ=UTC"]'),
    ("json", '["--user", "{u}", "--password", "{s}"]'),
    ("word", '    "{n}={s}",'),
    ("json", '{{\\"{p}\\":\\"{s}\\"}}'),
    ("json", '"body":"{{\\"user\\":\\"{u}\\",\\"pass\\":\\"{s}\\"}}"'),
    ("double", "&quot;{p}&quot;:&quot;{s}&quot;"),
    ("word", "{p}%22%3A%22{s}"),
    ("double", 'variable "{n}" {{ default = "{s}" }}'),
    ("double", '{n} = "{s}" # from the console'),
    ("double", "gitlab_rails['smtp_password'] = \"{s}\""),
    ("single", "define('{n}', '{s}');"),
    ("double", 'define( "{n}", "{s}" );'),
    ("single", "'{p}' => '{s}',"),
    ("double", '"{p}" => "{s}",'),
    ("double", ':{n}=>"{s}"'),
    ("double", ':user_name=>"{u}", :password=>"{s}", :address=>"{h}"'),
    ("double", '{{:user_name=>"{u}", :password=>"{s}"}}'),
    ("double", 'user_name: "{u}", password: "{s}", authentication: :plain'),
    ("double", '[username: "{u}", password: "{s}", tls: :always]'),
    ("double", '%{{username: "{u}", password: "{s}"}}'),
    ("double", '{{:password, "{s}"}}'),
    ("double", '<<"password">> => <<"{s}">>'),
    ("line", "Array\n(\n    [user] => {u}\n    [password] => {s}\n)"),
    ("word", "[password] => {s}"),
    ("double", '["password"]=>\n  string(24) "{s}"'),
    ("double", '  ["smtp_pass"]=> string(8) "{s}"'),
    ("double", '["password":protected]=>\n string(20) "{s}"'),
    ("line", "    [Password] => {s}\n    [Host] => {h}"),
    ("double", 's:8:"password";s:24:"{s}";'),
    ("xml", "<password>{s}</password>"),
    ("xml", "<smtp:password>{s}</smtp:password>"),
    ("xml", '<Password type="plain">{s}</Password>'),
    ("xml", "<key>password</key>\n<string>{s}</string>"),
    ("xml", "<key>SmtpPassword</key><string>{s}</string>"),
    ("xml", '<entry key="{n}">{s}</entry>'),
    ("xml", '<add key="SmtpPassword" value="{s}" />'),
    ("xml", '<add value="x" key="{n}" value="{s}"/>'),
    ("xml", '<property name="password" value="{s}"/>'),
    ("xml", '<property name="password"><value>{s}</value></property>'),
    ("xml", '<network host="{h}" userName="{u}" password="{s}" />'),
    ("xml", "<name>{n}</name>\n<value>{s}</value>"),
    ("xml", "<password><![CDATA[{s}]]></password>"),
    ("word", "&lt;password&gt;{s}&lt;/password&gt;"),
    ("word", "spring.mail.password={s}"),
    ("word", "-Dmail.smtp.password={s}"),
    ("double", '-Dspring.mail.password="{s}"'),
    ("word", "mail.smtp.password : {s}"),
    ("double", 'props.put("mail.smtp.password", "{s}");'),
    ("double", 'System.setProperty("mail.password", "{s}")'),
    ("double", 'os.environ["{n}"] = "{s}"'),
    ("double", 'process.env.{n} = "{s}"'),
    ("double", 'os.Setenv("{n}", "{s}")'),
    ("double", 'putenv("{n}={s}")'),
    ("double", 'viper.Set("smtp.password", "{s}")'),
    ("double", "$mail->Password = '{s}';"),
    ("double", '$mail->Password   = "{s}";        // SMTP password'),
    ("double", 'mail.setPassword("{s}")'),
    ("word", "setPassword({s})"),
    ("double", 'SecretStr("{s}") password=SecretStr("{s}")'),
    ("double", "password=SecretStr('{s}')"),
    ("double", 'password: String::from("{s}")'),
    ("double", 'Some(Password("{s}"))'),
    ("double", 'password: Some("{s}")'),
    ("double", 'Config {{ user: "{u}", password: "{s}", port: 587 }}'),
    ("double", "password = b'{s}'"),
    ("double", "const pass = `{s}`;"),
    ("double", 'String password = "{s}";'),
    ("double", 'let password: String = "{s}"'),
    ("double", 'var Password = @"{s}";'),
    # calls
    ("double", 'new PasswordAuthentication("{u}", "{s}")'),
    ("double", 'return new PasswordAuthentication(username, "{s}");'),
    ("double", 's.login("{u}", "{s}")'),
    ("single", "s.login('{u}', '{s}')"),
    ("single", "server.login(u, '{s}')"),
    ("double", 'smtp.login(user, "{s}")'),
    ("word", "server.login({u},{s})"),
    ("single", "smtp.login( '{u}' , '{s}' )"),
    ("double", 'auth=("{u}", "{s}")'),
    ("single", "auth=('{u}', '{s}')"),
    ("double", 'auth: ["{u}", "{s}"]'),
    ("single", "auth: {{ user: '{u}', pass: '{s}' }}"),
    ("double", 'auth: {{ user: "{u}", pass: "{s}" }},'),
    ("single", "auth: {{\n    user: '{u}',\n    pass: '{s}'\n  }}"),
    ("double", 'smtp.PlainAuth("", "{u}", "{s}", "{h}")'),
    ("double", 'auth := smtp.PlainAuth("","{u}","{s}","{h}")'),
    ("double", 'smtp.CRAMMD5Auth("{u}", "{s}")'),
    ("double", 'gomail.NewDialer("{h}", 587, "{u}", "{s}")'),
    ("double", 'new NetworkCredential("{u}", "{s}")'),
    ("double", 'client.Credentials = new System.Net.NetworkCredential("{u}","{s}");'),
    ("double", 'client.Authenticate("{u}", "{s}");'),
    ("double", 'await client.AuthenticateAsync("{u}", "{s}")'),
    ("double", 'Credentials::new("{u}".to_string(), "{s}".to_string())'),
    ("double", 'Credentials::new(String::from("{u}"), String::from("{s}"))'),
    ("double", "Net::SMTP.start('{h}', 587, 'localhost', '{u}', \"{s}\", :plain)"),
    ("double", 'transport.connect("{h}", 587, "{u}", "{s}")'),
    ("double", 'Transport.connect("{h}", "{u}", "{s}")'),
    ("double", 'mailer.setAuthentication("{u}", "{s}")'),
    ("double", 'new DefaultAuthenticator("{u}", "{s}")'),
    ("double", 'requests.post(url, auth=HTTPBasicAuth("{u}", "{s}"))'),
    ("double", 'login "{u}", "{s}"'),
    ("single", "yagmail.SMTP('{u}', '{s}')"),
    ("double", "Mail::Sender->new({{auth => 'LOGIN', authid => '{u}', authpwd => \"{s}\"}})"),
    ("double", '$smtp->auth("{u}", "{s}")'),
    ("double", 'File "app.py", line 9, in login\n    server.login("{u}", "{s}")'),
    ("double", "smtplib.py(734)login(user='{u}', password=\"{s}\")"),
    ("single", "login(user='{u}', password='{s}')"),
    # commands
    ("word", "swaks --to a@b.example --auth-user {u} --auth-password {s} --server {h}"),
    ("word", "swaks -au {u} -ap {s} -s {h}"),
    ("single", "swaks -ap '{s}' -tls"),
    ("word", "curl --url smtp://{h} -u {u}:{s} --mail-from a@b.example"),
    ("double", 'curl --user "{u}:{s}" smtps://{h}'),
    ("single", "curl -u '{u}:{s}' smtps://{h}"),
    ("word", "curl --oauth2-bearer {s} smtps://{h}"),
    ("word", "sendEmail -xu {u} -xp {s} -s {h}"),
    ("word", "msmtp --user={u} --password={s}"),
    ("word", "mailx -S smtp-auth-user={u} -S smtp-auth-password={s}"),
    ("word", "smtp-cli --user={u} --pass={s}"),
    ("word", "mutt -e set smtp_pass={s}"),
    ("double", 'set smtp_pass="{s}"'),
    ("double", "Send-MailMessage -Credential (New-Object PSCredential('{u}', \"{s}\"))"),
    ("word", "docker run -e {n}={s} app"),
    ("word", "helm install --set smtp.password={s}"),
    ("word", "kubectl create secret generic smtp --from-literal=password={s}"),
    ("word", "echo {n}={s} >> .env"),
    ("word", "openssl s_client -pass pass:{s}"),
    # files of other programs
    ("word", "machine {h} login {u} password {s}"),
    ("line", "machine {h}\n  login {u}\n  password {s}\n"),
    ("word", "account default\nhost {h}\nuser {u}\npassword {s}"),
    ("line", "[{h}]:587 {u}:{s}\n"),
    ("line", "{h} {u}:{s}\n"),
    ("line", "@example.com {u}:{s}\n"),
    ("line", "[{h}]:587    {u}:{s}\n"),
    ("line", "AuthUser={u}\nAuthPass={s}\n"),
    ("word", "AuthPass={s}"),
    ("word", "{h}:587:{u}:{s}"),
    ("word", "{h}|587|{u}|{s}"),
    # what people write
    ("word", "{p}: {s}"),
    ("word", "{p} = {s}"),
    ("word", "{p}={s}"),
    ("word", "{p}:{s}"),
    ("double", '{p}: "{s}"'),
    ("single", "{p} is '{s}'"),
    ("mixed", "password is {s}"),
    ("mixed", "my password was {s}"),
    ("word", "Password for {u}: {s}"),
    ("word", "Password for '{u}' on {h}: {s}"),
    ("mixed", "user {u} password {s}"),
    ("mixed", "username {u} with password {s}"),
    ("mixed", "login failed for {u} with password {s}"),
    ("word", "**Password:** {s}"),
    ("word", "| password | {s} |"),
    ("word", "Password -> {s}"),
    ("word", "Passwort: {s}"),
    ("word", "Mot de passe : {s}"),
    ("word", "비밀번호는 {s} 입니다"),
    ("word", "앱 비밀번호: {s}"),
    ("word", "user/pass: {u}/{s}"),
    ("word", "username={u}&password={s}&grant_type=password"),
    ("word", "POST /login?user={u}&token={s}"),
    ("coded", "Authorization: Bearer {s}"),
    ("coded", "Authorization: Basic {b}"),
    ("word", "X-Api-Key: {s}"),
    ("word", "X-Postmark-Server-Token: {s}"),
    ("word", "api-key: {s}"),
    # URLs
    ("word", "smtp://{u}:{s}@{h}:587"),
    ("word", "MAIL_URL=smtps://{u}:{s}@{h}"),
    ("word", "MAILER_DSN=smtp://{u}:{s}@{h}:587?encryption=tls"),
    ("url", "dsn: 'sendgrid+api://{s}@default'"),
    ("url", "sendgrid+api://{s}@default"),
    ("url", "***+api://{s}@default"),
    ("url", "resend+api://{s}@default"),
    ("url", "resend://:{s}@default"),
    ("word", "postmark+smtp://{u}:{s}@default"),
    ("url", "mailgun+https://{s}:example.com@default"),
    ("word", "smtp://{h}:587?username={u}&password={s}"),
    ("word", "{u}:{s}@{h}"),
    ("word", 'connect to "smtp://{u}:{s}@{h}"'),
    # dialogues
    ("coded", "C: AUTH PLAIN {b0}"),
    ("coded", "AUTH PLAIN {b0}"),
    ("coded", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {bu}\nS: 334 UGFzc3dvcmQ6\nC: {b}"),
    ("coded", "AUTH LOGIN\n334 VXNlcm5hbWU6\n{bu}\n334 UGFzc3dvcmQ6\n{b}"),
    ("coded", "send: 'AUTH PLAIN {b0}\\r\\n'"),
    ("coded", "send: 'AUTH PLAIN {b0}\\r\\n'\nreply: b'535 5.7.8 bad\\r\\n'"),
    ("coded", "send: '{b}\\r\\n'"),
    ("coded", "2024-01-02 10:00:00 CLIENT -> SERVER: {b}"),
    ("coded", "CLIENT -> SERVER: AUTH LOGIN\nCLIENT -> SERVER: {bu}\nCLIENT -> SERVER: {b}"),
    ("coded", "[2024-01-02 10:00:00] DEBUG [Qw1] C: {b}"),
    ("coded", "DEBUG SMTP: AUTH PLAIN {b0}"),
    ("coded", " ~> AUTH PLAIN {b0}"),
    ("coded", " -> {b}\n<** 535 bad"),
    ("coded", "> AUTH XOAUTH2 {b}"),
    ("coded", "< 334 {b}"),
    ("coded", "334 {b}"),
    ("coded", "postfix/smtp[12]: > {h}[192.0.2.1]:587: AUTH PLAIN {b0}"),
    ("coded", "postfix/smtpd[12]: < unknown[192.0.2.1]: {b}"),
    ("coded", "smtp_sasl_authenticate: uncoded: AUTH PLAIN {b0}"),
    ("coded", "xsasl_cyrus_client_first: uncoded initial reply: {b0}"),
    ("coded", "535 5.7.8 Error: cannot decode {b}"),
    ("coded", "501 5.5.2 Cannot decode AUTH parameter {b}"),
    ("coded", "501 cannot BASE64 decode '{b}'"),
    ("coded", "535 5.7.8 Error: authentication failed: {b}"),
    ("mixed", "535 5.7.8 cannot decode {s}"),
    # keys
    ("key", "Unauthorized: {s}"),
    ("key", "the key {s} is invalid"),
    ("key", "using credentials {u} / {s}"),
)

FAILURES: Final = (
    "535 5.7.8 Error: authentication failed",
    "Error: Invalid login: 535-5.7.8 Username and Password not accepted",
    "smtplib.SMTPAuthenticationError: (535, b'5.7.8 Username and Password not accepted')",
    "Error: connect ECONNREFUSED 127.0.0.1:587 smtp",
    "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown",
    "smtplib.SMTPServerDisconnected: Connection unexpectedly closed",
    "getaddrinfo ENOTFOUND smtp.example.com",
    "smtp: certificate verify failed: self signed certificate",
    "the mail server said: sending failed",
    "javax.mail.AuthenticationFailedException: 535 5.7.139 Authentication unsuccessful",
    "SMTP Error: Could not authenticate.",
    "454 4.7.0 Too many login attempts, please try again later",
    "530 5.7.0 Must issue a STARTTLS command first",
    '{"level":"error","msg":"smtp login failed","err":"535 5.7.8 bad credentials"}',
)


def filled(
    template: str,
    *,
    secret: str,
    user: str = "bob",
    host: str = "smtp.example.com",
    name: str = "",
    plain: str = "",
) -> str:
    """Return a shape with everything in its place."""
    coded = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()
    zeros = base64.b64encode(f"\0{user}\0{secret}".encode("utf-8", "surrogatepass")).decode()
    return template.format(
        s=secret, u=user, h=host, n=name or NAMES[0], p=plain or PLAIN_NAMES[0], b=coded, b0=zeros,
        bu=base64.b64encode(user.encode()).decode(),
    )  # fmt: skip


def fits(kind: str, secret: str) -> bool:
    """Whether a secret can stand in shapes of a kind without being cut by the shape itself."""
    if kind in {"line", "double", "single", "json"}:
        return "\n" not in secret
    if kind == "xml":
        return "<" not in secret and "\n" not in secret
    if kind == "url":
        return not any(one.isspace() for one in secret)
    if kind == "key":
        return False
    if kind == "mixed":
        return (
            not any(map(str.isspace, secret))
            and any(map(str.isdigit, secret))
            and any(map(str.isalpha, secret))
        )
    return not any(map(str.isspace, secret))


def leaked(secret: str, shown: str, coded: bool = True) -> str:
    """Return a part of a secret of six signs or more that is shown, as it is or in base64; empty where none is."""
    forms = [secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    if coded:
        forms.append(base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode())
        forms += [base64.b64encode(b"\0bob\0" + secret.encode("utf-8", "surrogatepass")).decode()]
    for form in forms:
        width = min(6, len(form))
        for start in range(len(form) - width + 1):
            part = form[start : start + width]
            if part in shown:
                return part
    return ""
