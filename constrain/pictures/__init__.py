"""Drawings of patterns, grammars and schemas, as SVG.  Needs the extra `pictures`."""
