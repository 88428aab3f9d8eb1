"""How long may Punycode make a label of so many octets of UTF-8?

    python -m tests.json_schema.punycode_bound

A dynamic program over Punycode's encoder (RFC 3492, section 6.3), which inserts the characters beyond ASCII
in the order of their code points.  What it writes for one depends on how many characters there are already,
on its bias, and on how far the code point is from the last, times that number.  So for each number of
characters, bias, octets of UTF-8 and octets written we keep the least code point that leads there.  One that
is farther off leaves less room for others, so of those that write as many digits and lead to the same bias
only the nearest counts.  Places are taken as the worst label may have them: the numbers are bounds, and
not all of them are reached.

Prints, for each number of octets, the bound for a label in Punycode, `xn--` included; 37 make 62 at most.
Cost: about a minute.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

MOST = 40
"""Octets of UTF-8 that are looked at."""
ROOM = 80
"""Octets in Punycode that are told apart."""
BIASES = 216
FIRST, LAST = 0x80, 0x10FFFF
NEVER = LAST + 1


def adapt(delta: int, points: int, *, first: bool) -> int:
    """The next bias (RFC 3492, section 6.1)."""
    delta = delta // 700 if first else delta // 2
    delta += delta // points
    k = 0
    while delta > 455:
        delta //= 35
        k += 36
    return k + 36 * delta // (delta + 38)


def digits(delta: int, bias: int) -> int:
    """How many digits are written for a delta."""
    count, k = 1, 36
    while delta >= (threshold := min(max(k - bias, 1), 26)):
        delta = (delta - threshold) // (36 - threshold)
        count, k = count + 1, k + 36
    return count


def ways(points: int, bias: int, *, first: bool) -> Iterator[tuple[int, int, int]]:
    """Digits, the bias they lead to, and how much greater the code point has to be for that."""
    last = (LAST - FIRST + 1) * (points + 1) + points
    delta = 0
    while delta <= last:
        found = digits(delta, bias), adapt(delta, points + 1, first=first)
        # Of `delta`, up to `points` may be places in the label: they cost nothing.
        yield *found, delta // (points + 1)
        low, high = delta, delta + 1
        while high <= last and (digits(high, bias), adapt(high, points + 1, first=first)) == found:
            low, high = high, high + 2 * (high - delta)
        while high - low > 1:
            middle = (low + high) // 2
            same = (digits(middle, bias), adapt(middle, points + 1, first=first)) == found
            low, high = (middle, high) if same else (low, middle)
        delta = high


def bounds() -> list[int]:
    """The most octets in Punycode, by octets of UTF-8 (0 where a label has no character beyond ASCII)."""
    # least[points][bias, octets of UTF-8, octets written] is the least last code point.
    least = [np.full((BIASES, MOST + 1, ROOM + 1), NEVER) for _ in range(MOST + 1)]
    for points in range(MOST - 1):
        written = len("xn--") + (points + len("-") if points else 0)
        for count, bias, farther in ways(points, 72, first=True):
            _note(
                least[points + 1][bias],
                np.array([points]),
                np.array([written + count]),
                np.array([FIRST + farther]),
            )
    for points in range(1, MOST):
        for before in range(BIASES):
            octets, wrote = np.nonzero(least[points][before] <= LAST)
            if len(octets):
                code = least[points][before][octets, wrote]
                for count, bias, farther in ways(points, before, first=False):
                    _note(least[points + 1][bias], octets, wrote + count, code + farther)
    reached = np.min([layer.min(axis=0) for layer in least], axis=0) <= LAST
    return [int(np.flatnonzero(row).max(initial=0)) for row in reached]


def _note(table: Numbers, octets: Numbers, written: Numbers, code: Numbers) -> None:
    octets = octets + 2 + (code >= 0x800) + (code >= 0x10000)
    fits = (code <= LAST) & (octets <= MOST)
    np.minimum.at(table, (octets[fits], np.minimum(written[fits], ROOM)), code[fits])


if __name__ == "__main__":
    for size, bound in enumerate(bounds()):
        print(f"{size:2} octets of UTF-8: at most {bound} of Punycode")
