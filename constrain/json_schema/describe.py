"""The page about JSON Schema, written from the table that the compiler itself reads.

    python -m constrain.json_schema.describe > docs/json-schema.md

A keyword's row in `keywords.py` decides what happens to it; this module only prints the rows, so the page
cannot promise what the code does not do.  A test compares the page with what is printed here.
"""

from __future__ import annotations

import dataclasses
import sys

from constrain.json_schema.formats import DEFINED_BY, FORMATS
from constrain.json_schema.keywords import DRAFTS, KEYWORDS
from constrain.json_schema.options import JsonOptions

DRAFT_NAMES = {4: "4", 6: "6", 7: "7", 2019: "2019-09", 2020: "2020-12"}

_MEANING = {
    "asserted": "exact: it decides which documents are written",
    "reference": "exact: it names a schema, or leads to one",
    "container": "holds schemas for references",
    "option": 'exact with `formats="assert"` (the default), nothing with `formats="annotate"`',
    "annotation": "says nothing about which documents are valid, and is ignored as the standard says",
}

_INTRODUCTION = """# JSON Schema, keyword by keyword

Printed by `python -m constrain.json_schema.describe` from the tables the compiler reads; a test keeps it so.

The dialect is the one that `$schema` names, and draft 2020-12 without it. A keyword that is not in the
table, or not in the draft at hand, is an annotation, as the standard says. A value that a keyword cannot
have is refused with its JSON pointer before the first token, and so is a pattern that no automaton can
follow.

What becomes of each keyword of one schema is what `constrain check` says, and `constrain show` draws
(`pip install 'constrain[pictures]'`; in a notebook, `draw_json_schema(schema)`):

![The tree of a schema with the fate of each keyword](pictures/person.svg)

```sh
constrain show '{"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string", "minLength": 1, "title": "Name"},
    "friends": {"type": "array", "items": {"$ref": "#"}},
    "born": {"type": "string", "format": "date"}
}, "dependencies": {"born": ["name"]}, "additionalProperties": false}' -o docs/pictures/person.svg
```
"""


def page() -> str:
    """The whole page, in Markdown."""
    lines = [_INTRODUCTION]
    for status, meaning in _MEANING.items():
        lines += [f"## {status.capitalize()}", "", f"{meaning[0].upper()}{meaning[1:]}.", ""]
        lines += ["| keyword | drafts | value |", "|---|---|---|"]
        for row in KEYWORDS:
            if row.status == status:
                drafts = ", ".join(DRAFT_NAMES[draft] for draft in DRAFTS if draft in row.drafts)
                lines.append(f"| `{row.name}` | {drafts} | {row.form} |")
        lines.append("")
    lines += ["## Formats", "", "| format | drafts that define it |", "|---|---|"]
    for name in sorted(FORMATS):
        defining = [draft for draft, names in DEFINED_BY.items() if name in names]
        lines.append(f"| `{name}` | {', '.join(defining) or 'none: our own'} |")
    lines += [
        "",
        "A format that is not listed is an annotation.",
        "",
        "## Options",
        "",
        "| option | default |",
        "|---|---|",
    ]
    for option in dataclasses.fields(JsonOptions):
        lines.append(f"| `{option.name}` | `{getattr(JsonOptions(), option.name)!r}` |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
