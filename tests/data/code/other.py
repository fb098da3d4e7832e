"""More of the syntax."""
from __future__ import annotations
import os, environ, dj_email_url
from os import environ as env_, getenv
from typing import Final
from django.core.mail import get_connection
e = environ.FileAwareEnv()
EMAIL: Final = dj_email_url.parse("smtps://u:p@h:587")
vars().update(EMAIL)
globals().update(A=1)
HOSTS = ("a", "b"); HOST = HOSTS[1]; D = {"k": {"l": "m"}}; V = D["k"]["l"]; N = -1; P = +587; T = not False; S = "%s:%d" % (HOST, P); F = "{}-{x}".format("a", x="b"); J = ",".join(["a", "b"])
USE = getenv("USE", "0") in {"1", "true"}; K = env_["K"] if "K" in env_ else "d"; L = env_.get("L") or "e"; M = env_.setdefault("M", "f"); O = int(env_.get("O", "25")); Q = str(5).strip().upper(); R = bool(int(getenv("R", "1"))); U = e.str("U", "g"); W = e("W", cast=int, default=3); X = "a" and "b"; Y = None or 5; Z = 1 if USE else 2
match HOST:
    case "a": B1 = 1
    case _: B1 = 2
for H in HOSTS: C1 = H
while False: C2 = 3
try:
    from local import *
    D1 = 1
except ImportError: D1 = 2
else: D2 = 3
finally: D3 = 4
with open("x") as handle: E1 = handle.read()
class Settings(Base):
    model_config = SettingsConfigDict(env_prefix="MAIL_")
    host: str = "smtp.example.test"
    port: int = Field(587, alias="P")
    class Meta: name = "n"
    @property
    def url(self): return f"{self.host!r}:{self.port:d}"
async def go(*args, key="v", **kwargs):
    connection = get_connection(host="h", port=25, use_tls=True, **kwargs)
    async with aiosmtplib.SMTP(hostname="h", port=465, use_tls=True) as smtp: await smtp.login("u", "p")
    mail.init_app(app); app.config.from_mapping({"MAIL_PORT": 587}, MAIL_SERVER="s"); app.config["MAIL_USE_TLS"] |= True
    [x for x in args]; lambda y: y; del connection; assert args; return {"a": 1, **D}
(a1, b1), *c1 = (1, 2), 3
x1: int; y1 += 1; z1 = w1 = "w"; o1 = obj.attr; obj.attr = "t"; obj.attr.deep = "u"; obj["i"] = "v"
if (n1 := 5) > 3: m1 = n1
