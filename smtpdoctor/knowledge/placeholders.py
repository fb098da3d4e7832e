"""The placeholders of notes, steps, ``sure`` and edits, such as ``{at.password}``.

| placeholder | is replaced by |
| --- | --- |
| ``{at.NAME}`` | the variable of that setting and where it stands |
| ``{env.NAME}`` | the name of that setting's environment variable; none where the application has none |
| ``{set.security.MODE}`` | what the application writes for that; none where the provider does not offer it on this port |
| ``{set.pair.tls}``, ``{set.pair.starttls}`` | port and mode, as the application writes them; none where the provider has no such port |
| ``{set.pairs}`` | all such pairs of the provider, the usual two where it is not known |
| ``{ports}`` | the numbers of those ports |
| ``{host}``, ``{port}``, ``{username}`` … | the value of a setting |
| ``{fact.NAME}`` | a fact of the evidence |
| ``{lead}`` | where mail goes that a switch turns away from SMTP; none where that is not known |
| ``{preset}`` | the provider's name, none where it is not known |
| ``{preset.host}`` | the provider's server |
| ``{preset.ports}`` | the provider's ports but for that of this run, and how each is secured; none where that is not known |
| ``{preset.shape}`` | a sentence on how its passwords look |
| ``{preset.refused}`` | a sentence on what a value is that never logs in there |
| ``{check}`` | the command that repeats this check |
| ``{dial.host}``, ``{dial.port}`` | host and port of this run, else the provider's, else ``smtp.example.com`` and 587 |
| ``{openssl}`` | ``openssl s_client …`` for host, port and mode of this run |
| ``{openssl.tls}``, ``{openssl.starttls}`` | the same in that mode |

In edits (``[[change]]``) also ``{preset.port}``, ``{preset.username}`` (where the
provider has one word for all), ``{preset.password}`` (a sample that shows its kind), ``{login}``
(the user name where it is an address) and ``{bare.NAME}`` (a value without blanks and quotes).
"""

from __future__ import annotations

import re
from typing import Final

from smtpdoctor.late import Late

__all__ = ["ALWAYS", "IN_EDITS", "PLACEHOLDER", "SOMETIMES"]

PLACEHOLDER: Final = re.compile(r"\{([a-z]+(?:\.[a-z0-9_-]+)*)\}")
# Those that have a value in every case, in some cases, and in edits only.
ALWAYS: Final = Late(
    r"at\.(?:host|port|security|username|password|sender|cipher)"
    r"|set\.pairs|ports|check|dial\.(?:host|port)|openssl(?:\.tls|\.starttls)?"
)
SOMETIMES: Final = Late(
    r"env\.(?:host|username|password)|set\.security\.(?:tls|starttls|opportunistic|none)|set\.pair\.(?:tls|starttls)"
    r"|host|port|security|username|sender|recipient|ehlo|lead|preset(?:\.(?:host|ports|shape|refused))?|fact\.[a-z0-9_]+"
)
IN_EDITS: Final = Late(
    r"preset\.(?:host|port|username|password)|login|bare\.(?:host|username|sender)"
    r"|host|username|sender|fact\.[a-z0-9_]+"
)
