"""Error texts and logs → findings, without any network.

``records`` cuts a stream of lines into records (one event each, with its stack trace),
``reading`` turns a record into evidence, the same ``diagnose`` as for live probes names the cause,
and ``explain_lines`` adds up what belongs together.
"""

from smtpdoctor.explain.run import Explained, explain_lines, explain_text

__all__ = ["Explained", "explain_lines", "explain_text"]
