"""Which string of a language is short, when proof that none is shorter would take too long?

`queries.shortest` looks at every state that is nearer than the end.  That is few for most terminals.  A time
of day, though, has a leap second at another hour in every time zone, so that a thousand states are as near as
any, and `00:00:00Z` is known to be shortest when all of them have been looked at: two seconds.

Here of all the texts of one length at most WIDTH are followed, and the others wait:

    WIDTH = 2     a  b  (c, d wait)     aa  ab  (ba, ... wait)     aab: ends, and is the answer

What waits is taken up when what is followed comes to nothing new, so a string is found wherever there is one.
It is a shortest one, the first in byte order, where no length has more than WIDTH states.

Source: beam search, made complete as in Zhou and Hansen, "Beam-stack search" (2005), but first in, first out.
Cost: WIDTH times the classes of bytes, for each byte of the answer.
"""

from __future__ import annotations

from collections import deque

from constrain.budget import spend
from constrain.regular.byte_sets import bytes_of
from constrain.regular.queries import is_empty
from constrain.regular.terms import Term

WIDTH = 32


def short(term: Term, width: int = WIDTH) -> bytes | None:
    """A short string of a language; None if there is none."""
    if term.nullable:
        return b""
    if is_empty(term):
        return None
    frontier: list[tuple[bytes, Term]] = [(b"", term)]
    seen, waiting = {term}, deque[tuple[bytes, Term]]()
    while frontier:
        following: list[tuple[bytes, Term]] = []
        for text, here in frontier:
            for mask in sorted(here.classes(), key=lambda mask: mask & -mask):
                byte = next(bytes_of(mask))
                after = here.derivative(byte)
                spend()
                if after.nullable:
                    return text + bytes((byte,))
                if after in seen:
                    continue
                seen.add(after)
                if len(following) == width:
                    waiting.append((text + bytes((byte,)), after))
                elif not is_empty(after):
                    following.append((text + bytes((byte,)), after))
        frontier = following or [waiting.popleft() for _ in range(min(width, len(waiting)))]
    return None
