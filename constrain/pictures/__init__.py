"""Drawings of patterns, grammars and schemas, as SVG.  Needs the extra `pictures`."""

DEFAULT_MAX_NODES = 200
"""More than that no one reads, and their layout takes seconds.  The command line needs to know no more."""
