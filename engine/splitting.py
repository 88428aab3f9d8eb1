"""How is a document that is longer than the context cut into parts?

A part holds at most `size` tokens, and begins with the last `overlap` tokens of the part before it, so that
whatever is no longer than the overlap stands whole in one part at least:

    document   |---------------------------------------------|
    parts      |-----------------|
                             |------------------|
                                            |----------------|
                             overlap

Cuts are made at blanks, where there is one; a part of a text without blanks is cut between two characters.
Parts are ranges of the document, so nothing is added, lost or rewritten.

How many tokens a piece of text has, only the tokenizer knows, and it is asked: a part is as long as it can
be, found by bisection.  Cost: some twenty times the tokenization of the document, and none at all where the
document has fewer bytes than `size`, for no tokenizer that we take has tokens of less than one byte.
"""

from __future__ import annotations

from collections.abc import Callable

Range = tuple[int, int]
"""Start and end of a part, in characters of the document."""


def split(document: str, count: Callable[[str], int], size: int, overlap: int) -> list[Range]:
    """Cut a document into parts of at most `size` tokens; `count` says how many a text has.

    `overlap` is less than half of `size`.

    >>> split("uno due tre quattro cinque sei sette", lambda text: len(text), 16, 6)
    [(0, 12), (8, 20), (14, 27), (21, 36)]
    """
    if len(document.encode()) <= size or count(document) <= size:
        return [(0, len(document))]
    parts: list[Range] = []
    start = 0
    while True:
        end = _end(document, start, count, size)
        parts.append((start, end))
        if end == len(document):
            return parts
        start = max(start + 1, _start(document, start, end, count, overlap))


def _end(document: str, start: int, count: Callable[[str], int], size: int) -> int:
    """The end of the longest part that begins at `start`, at a blank if there is one in its second half."""
    fits, low = start + 1, start + 1
    high = min(len(document), start + 4 * size)
    while high < len(document) and count(document[start:high]) <= size:
        low, high = high, min(len(document), start + 2 * (high - start))
    while low <= high:
        middle = (low + high) // 2
        if count(document[start:middle]) <= size:
            fits, low = middle, middle + 1
        else:
            high = middle - 1
    if fits == len(document):
        return fits
    for end in range(fits, start + (fits - start) // 2, -1):
        if document[end - 1].isspace() and count(document[start:end]) <= size:
            return end
    return fits


def _start(document: str, start: int, end: int, count: Callable[[str], int], overlap: int) -> int:
    """Where the next part begins: so many tokens before `end`, or at the first word after or before that."""
    low, high = start + 1, end
    while low < high:
        middle = (low + high) // 2
        if count(document[middle:end]) <= overlap:
            high = middle
        else:
            low = middle + 1
    for begin in (*range(low, end), *range(low, start + (end - start) // 4, -1)):
        if document[begin - 1].isspace():
            return begin
    return low
