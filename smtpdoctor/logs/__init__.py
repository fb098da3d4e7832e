"""Error texts and logs → findings, without any network.

``source`` finds the lines that matter, ``records`` cuts them into events with their stack traces,
``reading`` turns an event into evidence, the same ``diagnose`` as for live probes names the cause,
and ``run`` adds up what belongs together.
"""

from smtpdoctor.logs.run import Explained, explain_source, explain_text
from smtpdoctor.logs.source import Source

__all__ = ["Explained", "Source", "explain_source", "explain_text"]
