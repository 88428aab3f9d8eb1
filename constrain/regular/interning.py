"""One object for equal terms, and one dictionary for all their derivatives.

A term is made by `intern(key, make, *args)`, where `key` says in numbers what it is: its kind, and the ids
of its parts.  So equal terms are the same object, compare with `is`, and a key holds nothing that a garbage
collector must look into.  Derivatives are remembered by id and byte, in one dictionary: a small one in every
term would be many objects to collect.

Both are emptied at the end of a generation (`keeping.py`).
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final, cast

from constrain.budget import spend
from constrain.regular.keeping import at_end, retire

if TYPE_CHECKING:
    from constrain.regular.term import Term

LOCK: Final = threading.RLock()
"""Guards interning here and in everything built on it; terms are shared by the whole process.

A forked child has one thread, and where another of the parent's held the lock, nobody would ever release it.
So it is made free there, as `threading` and `logging` do with theirs; the work that thread had begun is left
as an interrupt would have left it.
"""

if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=cast(Any, LOCK)._at_fork_reinit)

MAX_INTERNED: Final = 1_000_000
"""A single search may not fill the memory with terms; past this, equal ones may be made twice."""

Key = tuple[object, ...]

derivatives: Final[dict[int, Term]] = {}
"""By `id << 8 | byte`."""

known_ways: Final[dict[int, tuple[tuple[int, Term], ...]]] = {}
"""By id.  Terms do not hold their own, for a star leads to itself, and would be garbage to be collected."""

_interned: Final[dict[Key, Term]] = {}
_permanent: Final[dict[Key, Term]] = {}


def intern(key: Key, make: type[Term], *args: object) -> Term:
    """The one term that `key` names, made by `make(*args)` if it does not exist, and then spent for."""
    found = _interned.get(key)
    if found is None:
        spend(1 + (len(key) >> 1))
        if len(_interned) >= MAX_INTERNED:
            _forget()
        found = _interned.setdefault(key, make(*args))
    return found


def interned() -> int:
    """How many terms this generation has made."""
    return len(_interned)


def keep() -> None:
    """Keep the terms made so far for all generations: the constants."""
    _permanent.update(_interned)


@at_end
def _forget() -> None:
    for container in (derivatives, known_ways, _interned):
        retire(dict(container))
        container.clear()
    _interned.update(_permanent)
