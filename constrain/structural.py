"""How is free text mixed with text that follows a grammar?

A model talks, and now and then writes a *tag*: a call, a citation, a block of JSON.  The text is free until a
*trigger*, from there on a tag is due, and after it the text is free again:

    Let me see. <get_weather>{"city": "Roma"}</get_weather> It is
    └─ free ──┘ └ trigger: from here on only the tags that begin so ┘ free

Free text is a regular language: text that no trigger occurs in.  That is exact, whichever tokens spell
the trigger, but not yet enough.  With the trigger `aba`, the free text `ab` followed by the trigger reads
`ababa`, where the trigger is complete two bytes early.  So text before a trigger may not end in a beginning
of some trigger which, with a beginning of the trigger placed there, would make a whole one:

    trigger `aba`        before it, no text ends in `ab`            (`ab` + `a`)
    trigger `<call>`     nothing is excluded: no end of it is a beginning of it

Thus the first trigger in a text is where the writer placed it, and whoever reads has one reading.  For the
same reason no trigger may occur inside another one.

A special token is a trigger too.  The text it is shown as does not occur in the free text either, so that a
transcript of the answer can be read without its tokens.

Source: the name and the idea, "structural tags", are xgrammar's; lexemes of text that avoids a trigger are
llguidance's.  Cost: one table per state of the free text, as many as the triggers have bytes, each about 30
ms for 128,256 tokens when it is first met; after that a mask costs a tenth of a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from constrain.arguments import as_flag, as_list, as_text, as_whole, kind_of
from constrain.continuation import Continuation, Union
from constrain.errors import InvalidInputError
from constrain.parts import (
    Part,
    PartLike,
    SpecialToken,
    TermPart,
    branches,
    either,
    marked,
    sequence,
    union,
)
from constrain.recipe import remembered
from constrain.regular.terms import (
    ANY_BYTES,
    Term,
    choice,
    concat,
    difference,
    literals,
    repeat,
)
from constrain.regular.utf8 import ALL_CODEPOINTS, utf8

Trigger = str | SpecialToken

TEXT = "text"
"""The label that free text is noted under."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A piece of grammar inside free text: `begin`, the content, `end`."""

    begin: Trigger
    content: PartLike
    end: PartLike = ""


def free_text(*, until: Iterable[Trigger] = (), max_characters: int | None = None) -> Part:
    """Any text in which none of the triggers `until` occurs, ready to be followed by any of them."""
    shown = _checked([_shown(trigger) for trigger in as_list(until, "the triggers `until`")])
    if max_characters is not None:
        max_characters = as_whole(max_characters, "max_characters")
    return _free_text(shown, max_characters)


@remembered
def _free_text(shown: list[str], max_characters: int | None) -> Part:
    return TermPart(_free(shown, shown, max_characters), "this free text")


def reasoning(
    *, begin: Trigger = "<think>", end: Trigger = "</think>", max_characters: int | None = None
) -> Part:
    """A section of free text between two marks, at most `max_characters` code points long.

    A grammar counts characters and not tokens: the bound holds exactly, however the text is tokenised, and
    where it is reached `end` is all that may come.  Where the chat template has written `begin` already, pass
    `begin=""`.
    """
    return sequence(begin, free_text(until=[end], max_characters=max_characters), end)


def structural_tags(
    tags: Sequence[Tag],
    *,
    triggers: Sequence[Trigger] | None = None,
    at_least_one: bool = False,
    stop_after_first: bool = False,
) -> Part:
    """Free text with tags in it.

    `triggers` are beginnings of the tags' beginnings; by default each tag's whole beginning is its trigger.
    `at_least_one` does not let the text end before a tag; `stop_after_first` lets nothing follow a tag.
    """
    tags = as_list(tags, "tags", "for a single one: [Tag(...)]")
    if not tags:
        raise InvalidInputError("there are no tags", hint="for text without tags use free_text()")
    for tag in tags:
        if not isinstance(tag, Tag):
            raise InvalidInputError(f"{kind_of(tag)} is not a tag", hint="give Tag(begin, content, end)")
        _shown(tag.begin, "the beginning of a tag")
    if triggers is None:
        triggers = list({_shown(tag.begin): tag.begin for tag in tags}.values())
    return _tagged(
        tags,
        as_list(triggers, "triggers"),
        at_least_one=as_flag(at_least_one, "at_least_one"),
        stop_after_first=as_flag(stop_after_first, "stop_after_first"),
    )


class _Tagged(Part):
    def __init__(
        self, tags: Sequence[Tag], triggers: Sequence[Trigger], *, at_least_one: bool, stop_after_first: bool
    ) -> None:
        super().__init__()
        shown = _checked([_shown(trigger) for trigger in triggers])
        self.nullable = not at_least_one
        self.stop_after_first = stop_after_first
        free = {text: _free(shown, [text]) for text in ["", *shown]}
        parts = {term: marked(TermPart(term, "this free text"), TEXT) for term in free.values()}
        self.free = parts[free[""]]
        self.triggered: dict[Part, list[Part]] = {}
        self.tags: list[tuple[str, Part]] = []
        for trigger, text in zip(triggers, shown, strict=True):
            begun = [(rest, tag) for tag in tags if (rest := _rest(tag.begin, trigger)) is not None]
            if not begun:
                raise InvalidInputError(f"no tag begins with the trigger `{text}`")
            tag_part = _tag_part(trigger, begun)
            self.triggered.setdefault(parts[free[text]], []).append(tag_part)
            self.tags.append((f"the tag `{text}`", tag_part))
        for tag in tags:
            if all(_rest(tag.begin, trigger) is None for trigger in triggers):
                raise InvalidInputError(f"no trigger begins the tag `{_shown(tag.begin)}`")
        self._texts: dict[Continuation, Continuation] = {}

    def make_filled(self, then: Continuation) -> Continuation:
        return union(self.ways(then, may_end=self.nullable))

    def inner(self) -> list[tuple[str, Part]]:
        texts = dict.fromkeys([self.free, *self.triggered])
        return [*(("free text", free) for free in texts), *self.tags]

    def ways(self, then: Continuation, *, may_end: bool) -> list[Continuation]:
        """The tags, and free text before them; with `may_end` also free text and nothing behind it."""
        after = then if self.stop_after_first else self._after_tag(then)
        groups: dict[Part, list[Continuation]] = {self.free: [then]} if may_end else {}
        found: list[Continuation] = []
        for free, tags in self.triggered.items():
            begun = [tag.before(after) for tag in tags]
            found += begun
            groups[free] = groups.get(free, []) + begun
        texts = [free.filled(union(members)) for free, members in groups.items()]
        return [text for text in texts if text is not None] + found

    def _after_tag(self, then: Continuation) -> Continuation:
        if then not in self._texts:
            self._texts[then] = _AfterTag(self, then)
        return self._texts[then]


class _AfterTag(Union):
    """Behind a tag: text, more tags, or the end."""

    def __init__(self, tagged: _Tagged, then: Continuation) -> None:
        self.tagged, self.then = tagged, then
        self.can_end = then.can_end

    def build_choices(self) -> tuple[Continuation, ...]:
        return (self.then, *self.tagged.ways(self.then, may_end=True))


@remembered
def _tagged(
    tags: Sequence[Tag], triggers: Sequence[Trigger], at_least_one: bool, stop_after_first: bool
) -> Part:
    return _Tagged(tags, triggers, at_least_one=at_least_one, stop_after_first=stop_after_first)


def _tag_part(trigger: Trigger, begun: Sequence[tuple[str, Tag]]) -> Part:
    """The trigger, then the rest of one of the beginnings, then what its tag holds."""
    contents: dict[str, list[Part]] = {}
    for rest, tag in begun:
        contents.setdefault(rest, []).append(sequence(tag.content, tag.end))
    return sequence(trigger, branches({rest: either(*parts) for rest, parts in contents.items()}))


def _shown(trigger: Trigger, what: str = "a trigger") -> str:
    return trigger.text if isinstance(trigger, SpecialToken) else as_text(trigger, what)


def _token_id(trigger: Trigger) -> int | None:
    return trigger.token_id if isinstance(trigger, SpecialToken) else None


def _rest(begin: Trigger, trigger: Trigger) -> str | None:
    """What is left of a tag's beginning behind its trigger; None where it does not begin with it."""
    if isinstance(begin, SpecialToken) or isinstance(trigger, SpecialToken):
        return "" if _token_id(begin) == _token_id(trigger) else None
    return begin[len(trigger) :] if begin.startswith(trigger) else None


def _checked(triggers: Sequence[str]) -> list[str]:
    """Distinct triggers, none of which is empty or inside another."""
    distinct = list(dict.fromkeys(triggers))
    for trigger in distinct:
        if not trigger:
            raise InvalidInputError("a trigger cannot be empty: it would occur everywhere")
        inside = next((other for other in distinct if trigger in other and trigger != other), None)
        if inside is not None:
            raise InvalidInputError(
                f"the trigger `{trigger}` occurs inside the trigger `{inside}`, which could never be reached",
                hint="use the shorter one for both, and let the tags behind it differ",
            )
    return distinct


def _free(triggers: Sequence[str], before: Sequence[str], max_characters: int | None = None) -> Term:
    """Text in which no trigger occurs, even where one of `before` is written behind it."""
    whole = [trigger.encode() for trigger in triggers]
    early = {
        trigger[:cut]
        for trigger in whole
        for cut in range(1, len(trigger))
        for follower in before
        if follower.encode().startswith(trigger[cut:])
    }
    characters = repeat(utf8(ALL_CODEPOINTS), 0, max_characters)
    if not whole:
        return characters
    bad = choice(concat(literals(whole), ANY_BYTES), literals(sorted(early)))
    return difference(characters, concat(ANY_BYTES, bad))
