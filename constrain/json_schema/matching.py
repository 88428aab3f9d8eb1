"""Can items that must all differ each have a value of their own?

`uniqueItems` lets items compete for values where their goals have few of them:

    two of {a, b}, one of {a}      no: three items, and only two values
    one of {a, b}, one of {a}      yes: b for the first, a for the second

Values are given out one after the other.  Where all values of a list are taken, one of the lists that hold
them may have another to give instead, and so on: a shortest such chain is found breadth first.

Source: Hall, "On representatives of subsets", J. London Math. Soc. 10 (1935), for when there is an answer;
the chains are augmenting paths (Berge, 1957).
Cost: as many searches as items, each linear in the lists at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from constrain.budget import spend
from constrain.json_schema.values import Value


def has_matching(choices: Sequence[tuple[Sequence[Value], int]]) -> bool:
    """Can every list give as many of its values as are asked of it, all different?

    >>> has_matching([("ab", 1), ("a", 1)]), has_matching([("ab", 2), ("a", 1)])
    (True, False)
    """
    spend(sum(len(values) for values, _ in choices))
    if sum(number for _, number in choices) > len({value for values, _ in choices for value in values}):
        return False  # more items than values
    taken: dict[Value, int] = {}
    return all(
        _place(index, choices, taken) for index, (_, number) in enumerate(choices) for _ in range(number)
    )


def _place(start: int, choices: Sequence[tuple[Sequence[Value], int]], taken: dict[Value, int]) -> bool:
    """Take one more value for a list: a free one, along a shortest chain of lists that give up theirs."""
    came: dict[Value, Value | None] = {}
    queue: deque[tuple[int, Value | None]] = deque([(start, None)])
    asked = {start}
    while queue:
        index, before = queue.popleft()
        spend(1 + (len(choices[index][0]) >> 1))
        for value in choices[index][0]:
            if value in came or taken.get(value) == index:
                continue
            came[value] = before
            holder = taken.get(value)
            if holder is None:
                _shift(value, start, choices, came, taken)
                return True
            if holder not in asked:
                asked.add(holder)
                queue.append((holder, value))
    return False


def _shift(
    free: Value,
    start: int,
    choices: Sequence[tuple[Sequence[Value], int]],
    came: dict[Value, Value | None],
    taken: dict[Value, int],
) -> None:
    """Hand each value of a chain on to the list before, from the free one at its end."""
    value: Value | None = free
    while value is not None:
        before = came[value]
        taken[value] = start if before is None else taken[before]
        value = before
