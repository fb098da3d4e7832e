"""The targets, by what they are about; importing this package registers all of them."""

from tests.fuzz.targets import certificates, dialogue, formats, logs, masking, reports, settings

__all__ = ["certificates", "dialogue", "formats", "logs", "masking", "reports", "settings"]
