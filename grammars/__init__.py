"""A small catalogue of Lark grammars, each beside strings that it accepts and refuses (`tests/grammars`).

json.lark       one JSON text (RFC 8259), whitespace included
"""
