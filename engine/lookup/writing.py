"""What text comes next?  The plan, the answer so far, and what is left to write.

The answer so far is read as an unfinished JSON text, which says where it stands: the containers that are
open, the members each has had, and the piece that is half written.  What is left follows from the plan:

    plan {"name": "Anna", "age": 31}     answer {"name": "An      → na", "age": 31}   or   na","age":31}

Both ways of spacing are offered, the one that `json.dumps` writes first; the mask picks one.  Where the
answer has left the plan (the mask forced another value), what was written is finished as shortly as possible
and the plan is taken up again behind it.

Text under a regular expression has a plan too: the first span of the user's text that matches.  With neither
schema nor pattern, everything that looks like a value is offered, and copied once it is begun.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from constrain.engine.lookup.filling import Filler
from constrain.engine.lookup.finding import split_list
from constrain.engine.lookup.lexicon import phrase
from constrain.engine.lookup.reading import Request

Phase = Literal["value", "string", "scalar", "first key", "key", "in key", "colon", "after"]
Path = tuple[str | int, ...]

LOOKAHEAD = 160
"""Characters of the rest worth writing out: no token is longer (128 bytes at most)."""

_STYLES = ((", ", ": "), (",", ":"))
_MISSING = object()


@dataclass(slots=True)
class Frame:
    """An open container: the keys it has had (the last one is current), or how many items are complete."""

    is_object: bool
    keys: list[str] = field(default_factory=list)
    count: int = 0


@dataclass(slots=True)
class Place:
    """Where an unfinished JSON text stands."""

    frames: list[Frame] = field(default_factory=list)
    phase: Phase = "value"
    typed: str = ""
    blank: bool = False
    """Whether the text ends in whitespace, so that none need be added."""

    @property
    def path(self) -> Path:
        """The path of the current value."""
        return tuple((f.keys[-1] if f.keys else "") if f.is_object else f.count for f in self.frames)


_PIECE = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<open>"(?:[^"\\]|\\.)*\\?)|(?P<mark>[{}\[\],:])|(?P<scalar>[-+.\w]+)|(?P<blank>\s+)'
)


def place_of(answer: str) -> Place | None:
    """Read an unfinished JSON text; None where it is not one.

    >>> place = place_of('{"a": [1, "x')
    >>> place.path, place.phase, place.typed
    (('a', 1), 'string', '"x')
    """
    place, at = Place(), 0
    while at < len(answer):
        piece = _PIECE.match(answer, at)
        if piece is None:
            return None
        at = piece.end()
        place.blank = piece.lastgroup == "blank"
        if not place.blank and not _advance(
            place, str(piece.lastgroup), piece.group(), last=at == len(answer)
        ):
            return None
    return place


def _advance(place: Place, kind: str, text: str, *, last: bool) -> bool:
    frames = place.frames
    if kind == "mark":
        place.typed = ""
        if text in "{[":
            frames.append(Frame(is_object=text == "{"))
            place.phase = "first key" if text == "{" else "value"
        elif text in "}]":
            if not frames:
                return False
            frames.pop()
            place.phase = "after"
        elif text == ":":
            place.phase = "value"
        elif not frames:
            return False
        elif frames[-1].is_object:
            place.phase = "key"
        else:
            frames[-1].count += 1
            place.phase = "value"
    elif place.phase in ("key", "first key"):
        if kind == "open":
            place.phase, place.typed = "in key", text
            return last
        if kind != "string":
            return False
        frames[-1].keys.append(_unquoted(text))
        place.phase = "colon"
    elif kind == "open":
        place.phase, place.typed = "string", text
        return last
    elif kind == "scalar" and last:
        place.phase, place.typed = "scalar", text
    else:
        place.phase = "after"
    return True


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]


class Planner:
    """Plans an answer to one request, and says how any beginning of an answer goes on."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._filler = Filler(request.schema, request.text)
        self._extra: dict[Path, Any] = {}

    @cached_property
    def plan(self) -> Any:
        """The document to write."""
        if self.request.has_schema:
            schema = self.request.schema
            return self._filler.fill(schema if isinstance(schema, dict) else {}, ()).value
        return {key: self._filler.fill({}, (phrase(key),)).value for key in self._labels}

    @cached_property
    def _labels(self) -> dict[str, str]:
        """Words before a colon in the text, as keys (in lower case) of an answer nobody described."""
        found = re.findall(r"(?:^|[.;,\n]\s*)([^\W\d][\w ]{1,24}):\s", self.request.text)
        return {label.lower(): label for label in found}

    def continuations(self, answer: str) -> list[str]:
        """How `answer` may go on, best first; an empty string stands for the end."""
        if self.request.pattern is not None:
            return self._copies(answer, [*self._matches, *self._spans])
        if not answer.strip() and not self.request.has_schema and not self._labels:
            return ["", *self._spans, "{"]
        place = place_of(answer)
        if place is None or (not self.request.has_schema and not place.frames and answer.strip()):
            return self._copies(answer, self._spans)
        return list(dict.fromkeys(text[:LOOKAHEAD] for text in self._rests(place)))

    def _rests(self, place: Place) -> list[str]:
        rests = []
        for comma, colon in _STYLES:
            space = "" if place.blank or colon == ":" else " "
            tail = self._tail(place, comma, colon)
            if place.phase == "value":
                lead = (
                    space if place.frames and (place.frames[-1].is_object or place.frames[-1].count) else ""
                )
                if (
                    place.frames
                    and not place.frames[-1].is_object
                    and place.frames[-1].count == 0
                    and not self._at(place.path[:-1])
                ):
                    rests.append(tail)
                rests.extend(lead + written + tail for written in self._written(place.path, comma, colon))
            elif place.phase in ("string", "scalar"):
                end = '"' if place.phase == "string" else ""
                written = self._written(place.path, comma, colon)
                fitting = [w[len(place.typed) :] + tail for w in written if w.startswith(place.typed)]
                rests.extend(fitting or [end + tail])
            elif place.phase == "colon":
                rests.extend(colon + written + tail for written in self._written(place.path, comma, colon))
            elif place.phase == "after":
                rests.append(tail)
            else:
                rests.extend(self._keys(place, comma, colon, space))
        return rests

    def _keys(self, place: Place, comma: str, colon: str, space: str) -> list[str]:
        lead = space if place.phase == "key" else ""
        members = self._remaining(place.path[:-1], place.frames[-1])
        outside = self._tail(Place(place.frames[:-1], "after"), comma, colon)
        rests = []
        for index, (key, value) in enumerate(members):
            others = "".join(f"{comma}{_member(k, v, comma, colon)}" for k, v in members[index + 1 :])
            for form in dict.fromkeys(
                (key, self._labels.get(key, key) if not self.request.has_schema else key)
            ):
                rest = _member(form, value, comma, colon) + others + "}" + outside
                if place.phase != "in key":
                    rests.append(lead + rest)
                elif rest.startswith(place.typed):
                    rests.append(rest[len(place.typed) :])
        if place.phase == "first key" and not members:
            rests.append("}" + outside)
        return rests

    def _tail(self, place: Place, comma: str, colon: str) -> str:
        """What follows the current value: the members still missing, and every closing bracket."""
        out, path = "", place.path
        for depth in range(len(place.frames) - 1, -1, -1):
            frame, here = place.frames[depth], path[:depth]
            if frame.is_object:
                for key, value in self._remaining(here, frame):
                    out += comma + _member(key, value, comma, colon)
                out += "}"
            else:
                items = self._at(here)
                for value in items[frame.count + 1 :] if isinstance(items, list) else ():
                    out += comma + _dumps(value, comma, colon)
                out += "]"
            if len(out) > LOOKAHEAD:
                break
        return out

    def _remaining(self, path: Path, frame: Frame) -> list[tuple[str, Any]]:
        planned = self._at(path)
        if not isinstance(planned, dict):
            return []
        if self.request.has_schema:
            return [(key, value) for key, value in planned.items() if key not in frame.keys]
        had = {phrase(key) for key in frame.keys}
        return [(key, value) for key, value in planned.items() if phrase(key) not in had]

    def _written(self, path: Path, comma: str, colon: str) -> list[str]:
        value = self._at(path)
        written = [_dumps(value, comma, colon)]
        if not self.request.has_schema or path in self._extra:
            written += [json.dumps(str(value), ensure_ascii=False)] if not isinstance(value, str) else []
        return written

    def _at(self, path: Path) -> Any:
        """The planned value at a path; planned now, from its key alone, where the plan has none."""
        here = self.plan
        for step in path:
            here = _child(here, step)
        if here is not _MISSING:
            return here
        if path not in self._extra:
            names = tuple(phrase(step) for step in path[-1:] if isinstance(step, str))
            self._extra[path] = self._filler.fill(self._schema_at(path), names).value
        return self._extra[path]

    def _schema_at(self, path: Path) -> dict[str, Any]:
        schema = self._filler.resolve(self.request.schema or {})
        for step in path:
            part: Any = (
                schema.get("items") if isinstance(step, int) else schema.get("properties", {}).get(step)
            )
            schema = self._filler.resolve(part if part is not None else {})
        return schema

    def _copies(self, answer: str, sources: list[str]) -> list[str]:
        """What follows `answer` in the texts that begin with it; the end where it is one of them."""
        return list(
            dict.fromkeys(source[len(answer) :] for source in sources if source.startswith(answer))
        ) or [""]

    @cached_property
    def _spans(self) -> list[str]:
        """Everything that could be copied: values first, then words."""
        found = [form for m in self._filler.finder.mentions for form in (m.text, str(m.value))]
        return list(
            dict.fromkeys([*found[:64], *split_list(self.request.text)[:16], *self.request.text.split()[:64]])
        )

    @cached_property
    def _matches(self) -> list[str]:
        """Spans of the text that match the pattern: values and words, then runs of up to four words.

        Where none does, the first match of any length; or `null`, if the pattern takes that for an answer.
        """
        from constrain.engine.lookup.matching import alternatives, first_match, matcher_of

        accepts = matcher_of(self.request.pattern or "")
        if options := alternatives(self.request.pattern or ""):
            chosen = str(self._filler.fill({"enum": options}, ()).value)
            return [chosen, *options]
        words = list(re.finditer(r"\S+", self.request.text))[:256]
        runs = [
            self.request.text[a.start() : b.end()]
            for size in (4, 3, 2)
            for a, b in zip(words, words[size - 1 :], strict=False)
        ]
        spans = [*self._spans, *(word.group().strip(".,;:!?()\"'") for word in words), *runs]
        found = [span for span in dict.fromkeys(spans) if accepts(span)][:8]
        if not found and (match := first_match(self.request.pattern or "", self.request.text)):
            found = [match]
        return found or (["null"] if accepts("null") else [])


def _child(value: Any, step: str | int) -> Any:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step, _MISSING)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return _MISSING


def _dumps(value: Any, comma: str, colon: str) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(comma, colon))


def _member(key: str, value: Any, comma: str, colon: str) -> str:
    return f"{_dumps(key, comma, colon)}{colon}{_dumps(value, comma, colon)}"
