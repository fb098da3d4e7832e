"""The syntaxes of configuration files: text ↔ assignments. Pure; nothing is read or written here."""
