"""Sends one mail with the settings of a file, as Django or Flask-Mail would: ``settings_mail.py FILE``."""

from __future__ import annotations

import runpy
import sys
from typing import Any


def send_with_django(values: dict[str, Any]) -> None:
    import django
    from django.conf import settings
    from django.core.mail import EmailMessage

    settings.configure(**values)
    django.setup()
    EmailMessage("x", "x", None, ["somebody@example.test"]).send()


def send_with_flask(values: dict[str, Any]) -> None:
    from flask import Flask
    from flask_mail import Mail, Message

    app = Flask("x")
    app.config.update(values)
    mail = Mail(app)
    with app.app_context():
        mail.send(Message("x", recipients=["somebody@example.test"], body="x"))


def main() -> None:
    values = {name: value for name, value in runpy.run_path(sys.argv[1]).items() if name.isupper()}
    (send_with_flask if "MAIL_SERVER" in values else send_with_django)(values)


if __name__ == "__main__":
    main()
