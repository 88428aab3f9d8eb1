"""What a caller may choose about the texts a schema stands for.

A schema describes values; a text also has spaces, a spelling for each string and number, and an order of
keys.  The defaults write what `json.dumps(..., ensure_ascii=False)` or a pretty-printer would, with keys in
the order the schema's author gave them.  `JsonOptions.exact()` takes every choice away: its texts are exactly
those that a validator accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Literal, TypedDict

from constrain.arguments import as_text, as_whole, nearest, shown
from constrain.budget import DEFAULT_MAX_STEPS, Limits, checked_steps
from constrain.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class JsonOptions:
    """Choices and limits of `compile_schema`.

    `whitespace`  "default" (in one line, with a blank behind `,` and `:` or none; or in lines, indented by
                  their depth in one unit), "compact" (none), "any" (unlimited), or a number: the longest run.
    `spelling`    "canonical" (one per string; numbers as people write them, with at most 17 significant
                  digits, `3.50` too) or "any" (every escape, `1.0` for a whole `1`, any digits).
    `property_order`  "schema" (the author's order, other keys last) or "any".
    `formats`     "assert" or "annotate".
    `additional_properties`  None: as the schema says; False: an object whose schema names properties and says
                  nothing about others is closed, with all schemas that apply to it together (`allOf`).
    `verbatim`    a document: every string and number value, and every key that the schema does not name,
                  is one that occurs in it (`substrings.py`, `occurring.py`), or one that an `enum` or a
                  `const` of the schema names.  None: no such document.
    `max_alternatives`  how many ways to satisfy one schema that cannot be told apart at once.
    `max_steps`   how much work and memory compiling, and each mask afterwards, may take (`budget.py`).
    `max_seconds` how long either may take by the clock; None: as long as `max_steps` allow.  Whatever
                  exceeds a limit raises LimitExceeded.
    """

    whitespace: Literal["default", "compact", "any"] | int = "default"
    spelling: Literal["canonical", "any"] = "canonical"
    property_order: Literal["schema", "any"] = "schema"
    formats: Literal["assert", "annotate"] = "assert"
    additional_properties: Literal[False] | None = None
    verbatim: str | None = None
    max_alternatives: int = 1_000
    max_steps: int = DEFAULT_MAX_STEPS
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        """Whatever has an option of the wrong type or value is refused here, and nowhere else."""
        for name, allowed in _CHOICES.items():
            chosen = getattr(self, name)
            if any(type(chosen) is type(choice) and chosen == choice for choice in allowed):
                continue
            if name != "whitespace" or isinstance(chosen, str) or chosen is None:
                raise InvalidInputError(
                    f"{name}={shown(chosen)} is not a choice",
                    hint="use one of " + ", ".join(repr(choice) for choice in allowed),
                )
            self._set(name, as_whole(chosen, "a length of whitespace"))
        if self.verbatim is not None:
            self._set("verbatim", as_text(self.verbatim, "the document `verbatim`"))
        self._set("max_alternatives", as_whole(self.max_alternatives, "max_alternatives", least=1))
        self._set("max_steps", checked_steps(self.max_steps))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def limits(self) -> Limits:
        """How much each answer may take."""
        return Limits(self.max_steps, self.max_seconds)

    @classmethod
    def of(cls, options: Mapping[str, object]) -> JsonOptions:
        """The options with these names; raises InvalidInputError for a name that is none."""
        try:
            return cls(**options) if "verbatim" in options else _remembered(**options)  # type: ignore[arg-type]
        except TypeError:
            names = [option.name for option in fields(cls)]
            unknown = [name for name in options if name not in names]
            if not unknown:  # something that has no hash, and so is no choice
                return cls(**options)  # type: ignore[arg-type]
            hint = nearest(unknown[0], names, f"the options are {', '.join(names)}")
            raise InvalidInputError(f"there is no option `{unknown[0]}`", hint=hint) from None

    @classmethod
    def exact(cls, **changes: object) -> JsonOptions:
        """Every text that a validator accepts: any spelling, any order, any whitespace."""
        return cls.of({"whitespace": "any", "spelling": "any", "property_order": "any"} | changes)


class Formatting(TypedDict, total=False):
    """Those options of `JsonOptions` that say how values are written, as keywords for type checkers."""

    whitespace: Literal["default", "compact", "any"] | int
    spelling: Literal["canonical", "any"]
    property_order: Literal["schema", "any"]
    formats: Literal["assert", "annotate"]
    additional_properties: Literal[False] | None


class Compiling(Formatting, total=False):
    """All options of `JsonOptions`, as keywords for type checkers."""

    verbatim: str | None
    max_alternatives: int
    max_steps: int
    max_seconds: float | None


@lru_cache(maxsize=64, typed=True)
def _remembered(**options: Any) -> JsonOptions:
    """The options of a program are few, but for its documents."""
    return JsonOptions(**options)


_CHOICES: dict[str, tuple[object, ...]] = {
    "whitespace": ("default", "compact", "any"),
    "spelling": ("canonical", "any"),
    "property_order": ("schema", "any"),
    "formats": ("assert", "annotate"),
    "additional_properties": (None, False),
}
"""What a choice may be; `whitespace` may be a number as well."""
