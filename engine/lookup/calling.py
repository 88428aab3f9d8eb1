"""What would the lookup model call, and how does its answer go on?

A prompt that offers tools is answered by a call where the request asks for one of them (`choosing.py`) and
says what the tool must know; where it says less, by a question; and where no tool fits, by nothing:

    Che tempo fa a Torino?              →  get_weather({"city": "Torino"})
    Weather in Paris and Berlin?        →  get_weather twice: names side by side are asked for alike
    Search for X and then translate it  →  a call for each clause that wants a tool of its own
    Book me a flight.                   →  "Missing: origin, destination, date"

Tools that the conversation has called already are not called again: their results are read with the request,
for what is left to be called, and are the answer when nothing is.

Arguments are filled as any schema is (`filling.py`).  The plan is one text.  Where the answer has left it,
because the mask forced a call or a value, the call that stands open is finished by its own plan.  Where it
forced a form that the prompt does not show, the answer follows the plan in that form.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cached_property
from typing import Any

from constrain.engine.lookup.choosing import LEAST, Offer, scores
from constrain.engine.lookup.filling import Filler
from constrain.engine.lookup.lexicon import phrase
from constrain.engine.lookup.reading import Request
from constrain.engine.lookup.writing import Planner
from constrain.tool_calls.forms import DEFAULT_FORM, FORMS, Form

_JOINED = re.compile(r"(?:\s*,\s*|\s+)(?:and|e|ed|or|o|vs\.?|&)\s+(?:(?:a|in|di|for|of|to)\s+)?|\s*,\s*")
_BESIDE = re.compile(rf"(?:{_JOINED.pattern})[A-ZÀ-Þ][\w'-]*")
_CLAUSES = re.compile(
    r"[.;!?]\s+|,?\s+(?:and|e|ed|then|poi|quindi|also|anche|infine|finally)\s+(?:then |poi |also |anche )?"
)

Call = tuple[str, dict[str, Any]]


class CallPlanner:
    """Plans an answer to a request that offers tools, and says how any beginning of an answer goes on."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.offers = {offer["name"]: _offer(offer) for offer in request.tools}
        self.form: Form = FORMS.get(request.form, DEFAULT_FORM)

    @cached_property
    def calls(self) -> list[Call]:
        """The calls to make."""
        wanted = self._wanted
        if len(wanted) != 1:
            return [call for name, text in wanted if (call := self._call(name, text)) is not None]
        return self._repeated(*wanted[0])

    @cached_property
    def text(self) -> str:
        """What to say where nothing is called."""
        missing = [key for name, text in self._wanted for key in self._missing(name, text)]
        if missing:
            return f"Missing: {', '.join(phrase(key) for key in dict.fromkeys(missing))}"
        return self.request.result

    def continuations(self, answer: str) -> list[str]:
        """How `answer` may go on, best first; an empty string stands for the end."""
        own = self._planned(answer, self.form) or self._open_call(answer, self.form)
        if own:
            return own
        others = [form for form in FORMS.values() if form.trigger in answer]
        planned = sorted((r for form in others for r in self._planned(answer, form)), key=lambda r: not r)
        return planned or [r for form in others for r in self._open_call(answer, form)] or [""]

    def _planned(self, answer: str, form: Form) -> list[str]:
        """The rests of the answers that begin like this one; none where it went another way."""
        return [text[len(answer) :] for text in self._answers(form) if text.startswith(answer)]

    def _answers(self, form: Form) -> list[str]:
        """The planned answer, and a call of each tool alone, the likeliest first."""
        written = form.write((name, _dumps(arguments)) for name, arguments in self.calls)
        likely = sorted(self.offers, key=lambda name: -self._scores[name])
        return [written or self.text, *(self._lone(name, form) for name in likely)]

    @cached_property
    def _scores(self) -> dict[str, float]:
        return scores(self.request.text, list(self.offers.values()))

    @cached_property
    def _wanted(self) -> list[tuple[str, str]]:
        """The tools that the request asks for and that have not been called, each with the text that asks."""
        found: dict[str, str] = {}
        for clause in _CLAUSES.split(self.request.text):
            best = self._best(scores(clause, list(self.offers.values())))
            if best is not None:
                found[best] = f"{found[best]}. {clause}" if best in found else clause
        whole = self._best(self._scores)
        if len(found) < 2 and whole is not None:
            found = {whole: self.request.text}
        left = [(name, text) for name, text in found.items() if name not in self.request.called]
        return [(name, f"{text}\n{_plain(self.request.result)}".strip()) for name, text in left]

    def _best(self, found: dict[str, float]) -> str | None:
        best = max(found, key=lambda name: found[name], default=None)
        return best if best is not None and found[best] >= LEAST else None

    def _call(self, name: str, text: str) -> Call | None:
        """A call of a tool; None where the text does not say what it must know."""
        return None if self._missing(name, text) else (name, self._filled(name, text).arguments)

    def _repeated(self, name: str, text: str) -> list[Call]:
        """A call of a tool for each of the names that stand beside one another in the text."""
        first = self._call(name, text)
        if first is None:
            return []
        for value in first[1].values():
            listed = _listed(text, value) if isinstance(value, str) else []
            if len(listed) > 1:
                calls = [self._call(name, text.replace(listed[0], part)) for part in listed[1:]]
                found = [call for call in calls if call is not None]
                return found if len({_dumps(call[1]) for call in found}) == len(listed) - 1 else [first]
        return [first]

    def _missing(self, name: str, text: str) -> list[str]:
        return self._filled(name, text).missing

    def _filled(self, name: str, text: str) -> _Arguments:
        return _Arguments(self.offers[name], text)

    def _lone(self, name: str, form: Form) -> str:
        """One call of a tool, with whatever the request says."""
        text = f"{self.request.text}\n{_plain(self.request.result)}".strip()
        return form.write([(name, _dumps(self._filled(name, text).arguments))])

    def _open_call(self, answer: str, form: Form) -> list[str]:
        """What follows where the last call in `answer` stands open, and is not the planned one."""
        mark = "\0"
        for name in self.offers:
            opening, closing = form.write([(name, mark)]).split(mark)
            opening = opening.removeprefix(form.begin)
            at = answer.rfind(opening)
            if at >= 0:
                return self._arguments_rest(self.offers[name], answer[at + len(opening) :], closing)
        return []

    def _arguments_rest(self, offer: Offer, written: str, closing: str) -> list[str]:
        try:
            _, end = json.JSONDecoder().raw_decode(written)
        except ValueError:
            request = replace(self.request, schema=offer.parameters, has_schema=True, tools=())
            return [rest + closing for rest in Planner(request).continuations(written)]
        behind = written[end:]
        return [closing[len(behind) :]] if closing.startswith(behind) else [""]


class _Arguments:
    """A tool's arguments as a text gives them, and those required of which it says nothing."""

    def __init__(self, offer: Offer, text: str) -> None:
        members = Filler(offer.parameters, text).members(offer.parameters)
        self.arguments = {key: member.value for key, member in members.items()}
        self.missing = [key for key, member in members.items() if not member.found]


def _listed(text: str, value: str) -> list[str]:
    """A value with the names that stand beside it, as one text, and then one by one; empty if it is alone.

    >>> _listed("Weather in Paris, Rome and Berlin?", "Paris")
    ['Paris, Rome and Berlin', 'Paris', 'Rome', 'Berlin']
    """
    at = text.find(value)
    if at < 0:
        return []
    end = at + len(value)
    while beside := _BESIDE.match(text, end):
        end = beside.end()
    parts = [part for part in _JOINED.split(text[at:end]) if part]
    return [text[at:end], *parts] if len(parts) > 1 else []


def _plain(result: str) -> str:
    """Results as people would write them down: the members of a JSON object as lines, `key: value`."""
    lines = []
    for line in result.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        lines += [f"{phrase(k)}: {v}" for k, v in value.items()] if isinstance(value, dict) else [line]
    return "\n".join(lines)


def _offer(definition: dict[str, Any]) -> Offer:
    parameters = definition.get("parameters")
    return Offer(
        definition["name"],
        str(definition.get("description", "")),
        parameters if isinstance(parameters, dict) else {},
    )


def _dumps(arguments: dict[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False)
