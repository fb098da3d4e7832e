import emails
from app.core.config import settings

def send_email(email_to, subject, html):
    message = emails.Message(subject=subject, html=html, mail_from=settings.EMAILS_FROM_EMAIL)
    smtp_options = {"host": settings.SMTP_HOST, "port": settings.SMTP_PORT}
    if settings.SMTP_TLS:
        smtp_options["tls"] = True
    if settings.SMTP_USER:
        smtp_options["user"] = settings.SMTP_USER
    if settings.SMTP_PASSWORD:
        smtp_options["password"] = settings.SMTP_PASSWORD
    return message.send(to=email_to, smtp=smtp_options)
