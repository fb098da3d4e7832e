"""Sends mail through Python's libraries: ``python_mail.py LIBRARY``, one JSON object a line in and out.

In: ``id``, ``host``, ``port`` and the library's own ``options``. Out: ``id`` and ``error``, empty where the
mail was handed over.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import warnings
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

Case = dict[str, Any]
TO = "somebody@example.test"


def sender(case: Case) -> str:
    return f"{case['id']}@example.test"


def smtplib_(case: Case) -> None:
    import smtplib

    options = case["options"]
    context = ssl.create_default_context() if options["context"] else None
    place = (case["host"], case["port"])
    server: smtplib.SMTP
    if options["call"] == "SMTP_SSL":
        server = smtplib.SMTP_SSL(*place, timeout=10, context=context)
    else:
        server = smtplib.SMTP(*place, timeout=10)
    with server:
        if options["starttls"]:
            server.starttls(context=context)
        server.login(case["id"], "secret")
        server.sendmail(sender(case), [TO], "Subject: x\r\n\r\nx\r\n")


def django(case: Case) -> None:
    from django.conf import settings
    from django.core.mail import EmailMessage as DjangoMessage
    from django.core.mail import get_connection
    from django.test import override_settings

    if not settings.configured:
        settings.configure()
    options = {key: value for key, value in case["options"].items() if key.startswith("EMAIL_")}
    if "url" in case["options"]:
        options |= {key: value for key, value in parsed(case).items() if key.startswith("EMAIL_")}
    options.setdefault("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
    login = {"EMAIL_HOST_USER": case["id"], "EMAIL_HOST_PASSWORD": "secret"}
    place = {"EMAIL_HOST": case["host"], "EMAIL_PORT": case["port"]}
    with override_settings(**{**place, **login, **options, "EMAIL_TIMEOUT": 10}):
        message = DjangoMessage("x", "x", sender(case), [TO], connection=get_connection())
        message.send()


def parsed(case: Case) -> dict[str, Any]:
    url = case["options"]["url"]
    found: dict[str, Any]
    if case["options"]["reader"] == "django-environ":
        import environ

        found = environ.Env.email_url_config(url)
    else:
        import dj_email_url

        found = dj_email_url.parse(url)
    return found


def flask_mail(case: Case) -> None:
    from flask import Flask
    from flask_mail import Mail, Message

    app = Flask("app")
    app.config.update(MAIL_SERVER=case["host"], MAIL_PORT=case["port"], **case["options"])
    app.config.update(MAIL_USERNAME=case["id"], MAIL_PASSWORD="secret")
    with app.app_context():
        Mail(app).send(Message("x", recipients=[TO], body="x", sender=sender(case)))


def fastapi_mail(case: Case) -> None:
    from fastapi_mail import ConnectionConfig, FastMail, MessageSchema, MessageType

    config = ConnectionConfig(
        MAIL_SERVER=case["host"],
        MAIL_PORT=case["port"],
        MAIL_USERNAME=case["id"],
        MAIL_PASSWORD="secret",
        MAIL_FROM=f"{case['id']}@example.com",  # it takes no reserved name
        **case["options"],
    )
    to = "somebody@example.com"
    message = MessageSchema(subject="x", recipients=[to], body="x", subtype=MessageType.plain)
    asyncio.run(FastMail(config).send_message(message))


def aiosmtplib_(case: Case) -> None:
    import aiosmtplib

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender(case), TO, "x"
    login = {"username": case["id"], "password": "secret"}
    sending = aiosmtplib.send(
        message, hostname=case["host"], port=case["port"], timeout=10, **login, **case["options"]
    )
    asyncio.run(sending)


LIBRARIES: dict[str, Callable[[Case], None]] = {
    "smtplib": smtplib_,
    "django": django,
    "flask-mail": flask_mail,
    "fastapi-mail": fastapi_mail,
    "aiosmtplib": aiosmtplib_,
}


def main() -> None:
    warnings.simplefilter("ignore")  # what a library says about itself is not the matter here
    send = LIBRARIES[sys.argv[1]]
    for line in sys.stdin:
        case = json.loads(line)
        try:
            send(case)
        except Exception as error:  # noqa: BLE001 -- whatever the library raises is its answer
            answer = f"{type(error).__name__}: {error}"
        else:
            answer = ""
        sys.stdout.write(json.dumps({"id": case["id"], "error": answer}) + os.linesep)


if __name__ == "__main__":
    main()
