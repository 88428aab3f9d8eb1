"""How does a grammar get into another process, or into a second one?

A compiled grammar is a graph of continuations, terms and tables that this process shares with all its other
grammars; copying it would copy them all.  But it was made by one call, and the call is small:

    compiled = compile_json_schema(schema, vocabulary, whitespace="compact")
    pickle.dumps(compiled)       the function's name, the schema, the vocabulary's tokens, the option
    pickle.loads(...)            the same call, made again

So each function that makes a grammar, or a part of one, is `remembered`: what it returns keeps the call, and
is pickled as the call.  A copy within a process is the thing itself, for nothing can change it.

Such a call is also where a generation of what the process remembers may end (`regular/keeping.py`).

What the call was given must not change afterwards, as it must not anyway: continuations are made from it as
a generation gets there.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, ParamSpec, Self, TypeVar

from constrain.errors import UnsupportedError
from constrain.regular.automaton import start_grammar

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

LOGGER = logging.getLogger("constrain")
"""Says at the level DEBUG what took how long, and what was found in a cache."""

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made", bound="MadeByCall")


class MadeByCall:
    """Something that does not change and is pickled as the call that made it."""

    _call: Call | None = None

    @property
    def recipe(self) -> Call | None:
        """The call that made it; None where no function of this package did."""
        return self._call

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._call is None:
            raise UnsupportedError(
                f"this {type(self).__name__} cannot be pickled: no function of this package made it",
                hint="make it with compile_json_schema, compile_regex, compile_lark, or parts of `constrain`",
            )
        return call_again, self._call


def call_again(function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Make a call that was remembered."""
    return function(*arguments, **options)


def remembered(make: Callable[_Given, _Made]) -> Callable[_Given, _Made]:
    """Let what a function makes keep the call.  Its arguments must not be iterators: they are read twice."""

    @functools.wraps(make)
    def call(*arguments: _Given.args, **options: _Given.kwargs) -> _Made:
        start_grammar()
        started = time.perf_counter()
        made = make(*arguments, **options)
        LOGGER.debug("%s took %.1f ms", make.__name__, 1000 * (time.perf_counter() - started))
        made._call = (call, arguments, options)
        return made

    return call
