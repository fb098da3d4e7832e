"""What may be shown: secrets masked, wherever and however they stand, and control characters made visible.

``echoes`` masks secrets that are known, in what others said; ``forms`` masks what is known as a secret
by its form alone; ``words`` makes bytes and odd characters fit to be read.
"""
