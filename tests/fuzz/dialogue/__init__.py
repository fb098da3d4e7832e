"""Whole dialogues: a server with a man in the middle, drawn at random, against the doctor and other clients.

The doctor's word is held against what happens to a message of other clients with the same settings:
it is healthy exactly if that is accepted, by the server's own account.
"""
