from fastapi_mail import ConnectionConfig, FastMail

conf = ConnectionConfig(
    MAIL_USERNAME = "otp.mail@gmail.com",
    MAIL_PASSWORD = "abcdefghijklmnop",
    MAIL_FROM = "otp.mail@gmail.com",
    MAIL_PORT = 587,
    MAIL_SERVER ="smtp.gmail.com",
    MAIL_FROM_NAME = "otp",
    MAIL_TLS = True,
    MAIL_SSL = False,
    USE_CREDENTIALS = True,
    VALIDATE_CERTS = True
)
fm = FastMail(conf)
