"""The SMTP client core: replies and commands without I/O, and one channel that owns the socket.

Lenient by design: a doctor survives and describes what a strict client would refuse.
Nothing here retries or falls back unasked.
"""
