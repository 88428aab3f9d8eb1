"""Lark grammars: context-free structure over regular terminals, as continuations."""
