"""Random and mutated input against the parts that read what strangers write, and whole dialogues with servers.

``python -m tests.fuzz`` runs the targets of ``targets/``, each a function of bytes with its invariants;
``python -m tests.fuzz.dialogue`` plays server and man in the middle against the doctor and other clients.
"""
