"""Configuration in source code, read as syntax and never run: a tree → terms → what they come to.

A language is a module beside this package that turns its tree into ``terms``; what a term comes to, and
under which names it is told, is the same for all of them (``values``, ``program``).
"""
