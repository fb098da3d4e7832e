"""Every application × every provider × every mode that both can express: written, read back, and linted.

``python benchmarks/generate.py [--apps a,b] [--presets a,b] [--first] [--show]`` prints how many cells there are, how many
were written, and what the rules say of the files. What settings cause in any file (a placeholder for a password)
does not count.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smtpdoctor.errors import UsageError
from smtpdoctor.generate.kinds import kinds_of
from smtpdoctor.generate.plan import Wish
from smtpdoctor.knowledge import load
from tests.written import cells, faults, sayable, written


def main() -> None:
    """Write all, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apps", default=",".join(load.dialect_ids()))
    parser.add_argument("--presets", default=",".join(load.presets()))
    parser.add_argument("--show", action="store_true", help="each cell with something to say")
    parser.add_argument(
        "--first", action="store_true", help="of each application its most usual kind of file alone"
    )
    given = parser.parse_args()
    start = time.process_time()
    counts: Counter[str] = Counter()
    said: Counter[str] = Counter()
    for app in given.apps.split(","):
        dialect = load.dialect(app)
        if dialect is None:
            raise SystemExit(f"no application {app}")
        for name in given.presets.split(","):
            preset = load.preset(name)
            if preset is None:
                raise SystemExit(f"no provider {name}")
            for port, mode in cells(preset):
                if not sayable(dialect, preset, port, mode):
                    continue
                counts["cells"] += 1
                done = False
                for kind in kinds_of(dialect):
                    if done and given.first:
                        break
                    try:
                        plan, text = written(dialect, kind, preset, Wish(port=port, security=mode))
                    except UsageError:
                        continue
                    done = True
                    counts["files"] += 1
                    wrong = faults(dialect, kind, plan, text)
                    counts["good"] += not wrong
                    said.update(f"{app}: {one}" for one in wrong)
                    if wrong and given.show:
                        print(app, kind.name, name, port, mode.value, wrong)
                counts["written"] += done
                if not done and given.show:
                    print(app, "cannot be written:", name, port, mode.value)
    print(
        f"cells {counts['cells']}, written {counts['written']}; files {counts['files']}, good {counts['good']}"
    )
    print(f"{time.process_time() - start:.0f} s of CPU")
    for one, number in said.most_common(40):
        print(f"{number:6} {one}")


if __name__ == "__main__":
    main()
