"""What does a docstring say of a function, and what of each parameter?

Three styles are read, and may be mixed; each says here that `city` is "Where to look.":

    Args:                          Parameters                     :param city: Where to look.
        city: Where to look.       ----------                     :type city: str
                                   city : str
                                       Where to look.

What is said of parameters goes where a model reads of them, to the schema; everything else stays the
description.  A section that names something the function does not have is left alone: it may be prose.

Sources: the style guides of Google and NumPy, and the field lists of Sphinx.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Sequence

_HEADER = re.compile(r"(?:(?:keyword |other )?(?:args|arguments|params|parameters))(:?)", re.IGNORECASE)
_RULE = re.compile(r"-{3,}")
_GOOGLE_ENTRY = re.compile(r"(\w+)\s*(?:\(.*?\))?\s*:(?:\s+(.*))?")
_NUMPY_ENTRY = re.compile(r"(\w+)(?:\s*:.*)?()")
_FIELD = re.compile(r":(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?(\w+)\s*:\s*(.*)")
_TYPE_FIELD = re.compile(r":type\s+\w+\s*:.*")

_Section = tuple[int, dict[str, str]]
"""The line behind a section, and what it says of each parameter."""


def read_docstring(text: str, names: Collection[str]) -> tuple[str, dict[str, str]]:
    """The description of a function, and those of its parameters, which have these names.

    >>> read_docstring("Forecast.\\n\\nArgs:\\n    city: Where to look.", ["city"])
    ('Forecast.', {'city': 'Where to look.'})
    """
    lines, kept, found, at = inspect.cleandoc(text).splitlines(), list[str](), dict[str, str](), 0
    while at < len(lines):
        section = _field(lines, at) or _headed(lines, at)
        if section is not None and section[1].keys() <= set(names):
            at, said = section
            found.update(said)
        else:
            kept.append(lines[at])
            at += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip(), found


def _headed(lines: Sequence[str], at: int) -> _Section | None:
    """A section of Google's or NumPy's that begins here."""
    header = _HEADER.fullmatch(lines[at].rstrip())
    if header is None:
        return None
    if header[1]:
        end = next((n for n in range(at + 1, len(lines)) if re.match(r"\S", lines[n])), len(lines))
        return _entries(lines, at + 1, end, _GOOGLE_ENTRY)
    if at + 1 == len(lines) or not _RULE.fullmatch(lines[at + 1].strip()):
        return None
    rules = (n for n in range(at + 2, len(lines)) if _RULE.fullmatch(lines[n].strip()))
    return _entries(lines, at + 2, next(rules, len(lines) + 1) - 1, _NUMPY_ENTRY)


def _entries(lines: Sequence[str], start: int, end: int, entry: re.Pattern[str]) -> _Section | None:
    """The entries between two lines; None where a line that should begin one does not."""
    indents = [_indent(line) for line in lines[start:end] if line.strip()]
    said, at = dict[str, str](), start
    while at < end:
        if not lines[at].strip():
            at += 1
            continue
        begun = entry.fullmatch(lines[at].strip())
        if begun is None or _indent(lines[at]) > min(indents):
            return None
        at, said[begun[1]] = _with_rest(lines, at, end, begun[2] or "")
    return (end, said) if said else None


def _field(lines: Sequence[str], at: int) -> _Section | None:
    """A field of Sphinx's that begins here; one for a type says nothing that the hint does not."""
    line = lines[at].rstrip()
    if begun := _FIELD.fullmatch(line):
        behind, text = _with_rest(lines, at, len(lines), begun[2])
        return behind, {begun[1]: text}
    return (at + 1, {}) if _TYPE_FIELD.fullmatch(line) else None


def _with_rest(lines: Sequence[str], at: int, end: int, text: str) -> tuple[int, str]:
    """The line behind an entry, and its text with the lines that are indented under it."""
    behind = at + 1
    while behind < end and lines[behind].strip() and _indent(lines[behind]) > _indent(lines[at]):
        behind += 1
    return behind, " ".join([text, *(line.strip() for line in lines[at + 1 : behind])]).strip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
