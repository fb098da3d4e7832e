import os, smtplib as s, environ
from smtplib import SMTP_SSL
from decouple import config
env = environ.Env(DEBUG=(bool, False), EMAIL_PORT=(int, 25))
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = env("EMAIL_PORT")
EMAIL_USE_TLS = config("EMAIL_USE_TLS", default=True, cast=bool)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
X = os.getenv("X", "False") == "True"; Y = os.getenv("Y", "yes").lower() in ("1", "yes"); Z = bool(os.getenv("Z", "False")); W = int(os.getenv("W", 587))
MAILERS = {"default": {"BACKEND": f"a.{EMAIL_HOST}", "OPTIONS": {"host": "h" "i", "port": 587, **{"k": None}}}}
app.config["MAIL_SERVER"] = "smtp.한글"; app.config.update(MAIL_PORT=25, **dict(a=1))
if env("DEBUG"):
    EMAIL_BACKEND = "console"
else:
    EMAIL_BACKEND = "smtp"
class Config:
    MAIL_SERVER = "x"
    A, B = 1, "b"
def f(host, port=5):
    with SMTP_SSL(host, 465, context=ssl.create_default_context()) as srv:
        srv.login("u", os.environ["PW"]); srv.starttls()
    s.SMTP("h").sendmail(Config.MAIL_SERVER, [])
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="smtp://u:p@h:25")
