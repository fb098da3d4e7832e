"""What smtpdoctor knows: the catalogue, the provider presets, the applications, the error words.

The source is TOML, one file a thing, so that one more thing is one more file. ``schema`` says
what a file may hold, ``compile`` reads and checks them all, ``load`` gives a run what it needs
from an index that was compiled beforehand.
"""
