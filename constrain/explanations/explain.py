"""Why is a text refused where a generation stands?  The front door: from a compiled grammar to its source.

1. The grammar is followed from where the generation stands; the first byte that no thread can read is the
   place, and what completes the text from there is the nearest way on.  This is all a mask knows, too.
2. A compiled grammar keeps the call that made it (`recipe.py`), and with it the source.  Each kind of source
   has its own way to what is responsible:

       compile_json_schema    schema_search.py     keywords, by taking them away
       compile_regex          pattern_parts.py     parts of the pattern that could read on
       compile_lark           terminals.py         terminals that could come
       compile_part           composition.py       the part that was being written, then as above

   A grammar that was made in another way is explained by the bytes that could come.

Nothing of this is prepared while masks are made: it costs only who asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from constrain.completion import Completions
from constrain.continuation import Continuation
from constrain.errors import LimitExceeded
from constrain.explanations.composition import explain_part
from constrain.explanations.explanation import Explanation
from constrain.explanations.pattern_parts import PatternSource, explain_pattern
from constrain.explanations.reading_on import Refusal
from constrain.explanations.schema_search import SchemaSource, explain_schema
from constrain.explanations.wording import joined
from constrain.json_schema.options import JsonOptions
from constrain.parts import as_part, lark
from constrain.position import Position, Positions, Threads, special_edges
from constrain.recipe import Call
from constrain.regular.interning import LOCK
from constrain.target import as_schema, is_type
from constrain.vocabulary.vocabulary import Vocabulary


class Compiled(Protocol):
    """What is asked of a compiled grammar (`matcher.py`)."""

    vocabulary: Vocabulary
    whole: Continuation
    """The grammar as it was made, before what the vocabulary cannot write was taken out."""
    start: Continuation

    @property
    def positions(self) -> Positions:
        """Where a text may stand."""
        ...

    @property
    def completions(self) -> Completions:
        """How few tokens complete it."""
        ...

    @property
    def recipe(self) -> Call | None:
        """The call that made it."""
        ...


def explain(
    compiled: Compiled,
    position: Position,
    tokens: Sequence[int],
    text: bytes,
    *,
    is_whole: bool = False,
    is_over: bool = False,
) -> Explanation:
    """Why `text` may not follow at a position, which `tokens` have led to.

    With `is_whole` the text must also be complete behind it; `is_over` says that an end was accepted already.
    Offsets count from the first token, special tokens as the text they are shown as.
    """
    before = _written(compiled, tokens)
    if is_over:
        return Explanation(False, len(before), _character(text), "ended")
    threads, read = followed(compiled, position, text)
    whole, offset = before + text, len(before) + read
    is_read = read == len(text)
    if is_read and (not is_whole or compiled.positions.intern(threads).can_end):
        return Explanation(allowed=True, offset=offset)
    found = refusal_at(compiled, whole, offset, is_whole=is_whole)
    return replace(
        found,
        refused=_character(whole[offset:]),
        nearest=_nearest(compiled, threads),
        expected=found.expected or expected_bytes(compiled, threads),
    )


def explain_token(
    compiled: Compiled, position: Position, tokens: Sequence[int], token_id: int, *, is_over: bool
) -> Explanation:
    """Why a token of the vocabulary may not follow at a position, which `tokens` have led to."""
    vocabulary = compiled.vocabulary
    if token_id in vocabulary.eos_token_ids:
        return explain(compiled, position, tokens, b"", is_whole=True, is_over=is_over)
    text = vocabulary.text(token_id)
    if text is not None or is_over:
        return explain(compiled, position, tokens, text or b"", is_over=is_over)
    offset = len(_written(compiled, tokens))
    threads: Threads = dict.fromkeys(position.threads)
    if compiled.positions.take(position, token_id):
        return Explanation(allowed=True, offset=offset)
    return Explanation(
        False,
        offset,
        cause="unknown",
        expected=expected_bytes(compiled, threads),
        nearest=_nearest(compiled, threads),
        note=f"token {token_id} is a special token: it writes no text, and the grammar does not name it here",
    )


def _written(compiled: Compiled, tokens: Sequence[int]) -> bytes:
    """The text of the tokens, special ones as they are shown."""
    if all(map(compiled.vocabulary.text, tokens)):
        return compiled.vocabulary.decode(tokens)
    position, written = compiled.positions.start, b""
    with LOCK:
        for token_id in tokens:
            text = compiled.vocabulary.text(token_id)
            if text is None:
                edges = [edge for edge, _ in special_edges(position.threads) if edge.token_id == token_id]
                text = edges[0].text if edges else b""  # an end is not shown
            written += text
            position = compiled.positions.advance(position, token_id) or position
    return written


def refusal_at(compiled: Compiled, text: bytes, offset: int, *, is_whole: bool) -> Explanation:
    """What is responsible for a byte being refused, as the source of the grammar tells it."""
    unknown = Explanation(False, offset, cause="unknown")
    refusal = Refusal(text, offset, is_whole, compiled.positions.tables, compiled.positions.limits)
    if compiled.whole is not compiled.start and refusal.is_read(compiled.whole):
        return replace(unknown, cause="vocabulary")
    if compiled.recipe is None:
        return replace(unknown, note="the grammar does not know what it was made from")
    make, arguments, options = compiled.recipe
    way = _WAYS.get(make.__name__)
    if way is None:
        return replace(unknown, note=f"it is not known how `{make.__name__}` made the grammar")
    return way(arguments, options, refusal)


def _schema(arguments: Sequence[Any], options: dict[str, Any], refusal: Refusal) -> Explanation:
    given, options = arguments[0] if arguments else options["schema"], dict(options)
    for name in ("schema", "vocabulary"):
        options.pop(name, None)
    registry = options.pop("registry", None)
    found = explain_schema(SchemaSource(as_schema(given), JsonOptions.of(options), registry), refusal)
    return replace(found, field=_field(given, found.path)) if is_type(given) else found


def _pattern(arguments: Sequence[Any], options: dict[str, Any], refusal: Refusal) -> Explanation:
    pattern = arguments[0] if arguments else options["pattern"]
    source = PatternSource(pattern, options.get("flags", 0), options.get("verbatim"))
    return explain_pattern(source, refusal)


def _grammar(arguments: Sequence[Any], options: dict[str, Any], refusal: Refusal) -> Explanation:
    grammar = arguments[0] if arguments else options["grammar"]
    chosen = {
        name: options[name] for name in ("start", "embed", "max_steps", "max_seconds") if name in options
    }
    return explain_part(lark(grammar, **chosen), refusal)


def _part(arguments: Sequence[Any], options: dict[str, Any], refusal: Refusal) -> Explanation:
    return explain_part(as_part(arguments[0] if arguments else options["part"]), refusal)


Way = Callable[[Sequence[Any], dict[str, Any], Refusal], Explanation]

_WAYS: dict[str, Way] = {
    "compile_json_schema": _schema,
    "compile_regex": _pattern,
    "compile_lark": _grammar,
    "compile_part": _part,
}


def followed(compiled: Compiled, position: Position, text: bytes) -> tuple[Threads, int]:
    """The threads behind the longest beginning of `text` that can be read, and its length."""
    positions = compiled.positions
    threads: Threads = dict.fromkeys(position.threads)
    with LOCK:
        for index, byte in enumerate(text):
            with positions.limits.budget("reading a byte"):
                after = positions.step(threads, byte)
            if not after:
                return threads, index
            threads = after
    return threads, len(text)


def _nearest(compiled: Compiled, threads: Threads) -> bytes | None:
    """A text that completes the whole with few tokens, special tokens left out."""
    with LOCK:
        try:
            found = compiled.completions.of(compiled.positions.intern(threads))
        except LimitExceeded:
            return None
    return None if found is None else found.text


def _character(text: bytes) -> bytes:
    """The first character of a text; the first byte where it is not UTF-8."""
    for length in range(1, 5):
        try:
            text[:length].decode()
        except UnicodeDecodeError:
            continue
        return text[:length]
    return text[:1]


def expected_bytes(compiled: Compiled, threads: Threads) -> str:
    """The bytes that may come next, as ranges of characters; special tokens, and the end, where they may."""
    positions = compiled.positions
    with positions.limits.budget("finding what was expected"):
        allowed = sorted(positions.next_bytes(threads))
    ranges: list[list[int]] = []
    for byte in allowed:
        if ranges and ranges[-1][1] == byte - 1:
            ranges[-1][1] = byte
        else:
            ranges.append([byte, byte])
    named = [_named(low) if low == high else f"{_named(low)} to {_named(high)}" for low, high in ranges]
    special = (edge.text.decode("utf-8", "replace") for edge, _ in special_edges(threads))
    named += dict.fromkeys(f"the special token `{text}`" for text in special)
    if positions.intern(threads).can_end:
        named.append("the end")
    return joined(named, "or")


def _named(byte: int) -> str:
    return f"`{chr(byte)}`" if 0x20 < byte < 0x7F else {0x20: "a blank"}.get(byte, f"byte {byte:#04x}")


def _field(given: Any, path: str | None) -> str:
    """`Person.pets[0].name` for the place `/pets/0/name` in an instance of Person."""
    field = getattr(given, "__name__", str(given))
    for escaped in (path or "").split("/")[1:]:
        step = escaped.replace("~1", "/").replace("~0", "~")
        field += f"[{step}]" if step.isdecimal() else f".{step}"
    return field
