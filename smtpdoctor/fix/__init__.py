"""What mends a file: changes that were tried before they are told.

``plan`` takes settings as they were read and gives back the same files, changed so that what was wrong is not
found in them any more. Every change is made in memory, the files are read again by the same readers, and the
rules run again: what does not hold then is not told. Nothing here touches a file.
"""

from __future__ import annotations

from smtpdoctor.fix.plan import Plan, Step, plan
from smtpdoctor.fix.state import State, Subject

__all__ = ["Plan", "State", "Step", "Subject", "plan"]
