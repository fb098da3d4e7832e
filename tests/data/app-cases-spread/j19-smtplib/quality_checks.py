import os
import smtplib
import ssl
from email.mime.text import MIMEText


def send_smtp_email(to_email: str, subject: str, html_content: str) -> None:
    smtp_host = os.environ.get("AIRFLOW__SMTP__SMTP_HOST", "smtp.gmail.com")
    smtp_port = int(os.environ.get("AIRFLOW__SMTP__SMTP_PORT", "587"))
    smtp_user = os.environ["AIRFLOW__SMTP__SMTP_USER"]
    smtp_password = os.environ["AIRFLOW__SMTP__SMTP_PASSWORD"]
    smtp_from = os.environ.get("AIRFLOW__SMTP__SMTP_MAIL_FROM", smtp_user)

    message = MIMEText(html_content, "html")
    message["Subject"] = subject
    message["From"] = smtp_from
    message["To"] = to_email

    ssl_context = ssl._create_unverified_context()

    with smtplib.SMTP(smtp_host, smtp_port, timeout=30) as smtp_server:
        smtp_server.starttls(context=ssl_context)
        smtp_server.login(smtp_user, smtp_password)
        smtp_server.sendmail(
            smtp_from,
            [to_email],
            message.as_string(),
        )
