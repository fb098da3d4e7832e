import os
from pydantic import BaseModel

class SmtpConfig(BaseModel):
    host: str | None = os.getenv("SMTP_HOST")
    port: int | None = int(os.getenv("SMTP_PORT")) if os.getenv("SMTP_PORT") else None
    username: str | None = os.getenv("SMTP_USERNAME")
    password: str | None = os.getenv("SMTP_PASSWORD")
