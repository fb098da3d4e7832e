"""The network below SMTP: names, and TLS."""
