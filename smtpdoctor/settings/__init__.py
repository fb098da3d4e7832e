"""Settings with origins, from flags, environment, files and presets.

``read`` turns the sources into one set of variables (the edge: files are read there),
``resolve`` turns those into ``Settings`` (pure), ``lint`` says what is wrong with them (pure).
"""
