"""A vocabulary without a tokenizer: every byte, and what is often written in JSON.

Its tokens cross the borders that tokens of real vocabularies cross: quotes with what stands before and
behind, several brackets, digits and signs together, halves of letters.
"""

from __future__ import annotations

from functools import cache

from constrain.vocabulary.vocabulary import Vocabulary

_BORDERS = (
    '": ":" "," ", " ", "} "] {" ["  [{" "}, "}} "]} ]] }} }, ], },{ [] {} "" "": '
    '": {" ": [ ": " ":" ":[ ":{ "," \\" \\n \\u \\u00 \\\\'
)
_WORDS = (
    "true false null tru als ull name id type value date user item list the and ab ba aa an er in on es ing "
    "Anna Rome 10 12 00 19 20 99 2024 3.5 .5 .0 -1 1, 0, 1] 1} e1 E+ aé é à ß 日本 😀"
)


@cache
def small_vocabulary() -> Vocabulary:
    """The vocabulary: 256 bytes, some 120 longer tokens, and one end.

    >>> small_vocabulary().missing_bytes
    ()
    """
    longer = [piece.encode() for piece in (*_BORDERS.split(" "), *_WORDS.split(" "))]
    longer += [
        b"  ",
        b"    ",
        b"\n",
        b"\n  ",
        b", ",
        b": ",
        b'": ',
        b'", "',
        b"\xc3",
        b"a\xc3",
        b'\xa9"',
        b"\xe6\x97",
    ]
    tokens: list[bytes | None] = [bytes((byte,)) for byte in range(256)]
    tokens += [text for text in dict.fromkeys(longer) if len(text) > 1]
    return Vocabulary.from_tokens([*tokens, None], eos_token_ids=[len(tokens)])
