"""What a check costs on a slow line: time at a round-trip time of 100 ms, beside the mandatory round trips.

``python benchmarks/round_trips.py``: the run goes through a proxy that holds every chunk back for
50 ms each way. The dialogue of EHLO, STARTTLS, TLS 1.3, EHLO, AUTH PLAIN and MAIL needs one round
trip each, and half of one for the greeting, which the server sends unasked; the connection to the
proxy itself is local.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smtpdoctor.doctor import check
from smtpdoctor.model import Origin, Secret, Security, Setting, Settings, Stage
from smtpdoctor.probes.session import Options
from smtpdoctor.settings.resolve import Loaded
from tests import certs, servers

DELAY = 0.05
FLAG = Origin("flag", "benchmark")
# Greeting (server to client only), then one each.
MANDATORY = {Stage.AUTH: 0.5 + 5, Stage.SENDER: 0.5 + 6}


def main() -> int:
    """Print both figures for a login and for a dry run of the sender."""
    certificates = certs.make(Path(tempfile.mkdtemp()))
    capabilities = ["STARTTLS"], ["AUTH PLAIN LOGIN"]
    dialogue = servers.dialogue(
        capabilities=capabilities[0], tls_capabilities=capabilities[1], starttls_cert=certificates.good
    )
    worst = 0.0
    with servers.serve(dialogue) as server, servers.proxy(server.host, server.port, DELAY) as slow:
        settings = Settings(
            host=Setting("localhost", FLAG),
            port=Setting(slow.port, FLAG),
            security=Setting(Security.STARTTLS, FLAG),
            username=Setting("app@example.test", FLAG),
            password=Setting(Secret("correct horse 7"), FLAG),
            sender=Setting("app@example.test", FLAG),
        )
        for until, trips in MANDATORY.items():
            options = Options(until=until, ca_file=str(certificates.ca_pem), family=4)
            report = check(Loaded(settings, ()), options)
            if report.findings:
                print(report.findings)
                return 1
            needed = trips * 2 * DELAY
            print(
                f"until {until}: {report.seconds:.3f} s, mandatory {needed:.3f} s, {report.seconds / needed:.2f} x"
            )
            worst = max(worst, report.seconds / needed)
    return int(worst > 1.1)  # noqa: PLR2004 -- the project's own bound


if __name__ == "__main__":
    sys.exit(main())
