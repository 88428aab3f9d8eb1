"""`constrain extract`: the same thing sought in many documents, one JSON line out for each.

    constrain extract --pattern '(?P<date>\\d{4}-\\d{2}-\\d{2})' --verbatim mails/*.txt
    constrain extract --schema invoice.py:Invoice --nullable --output found.jsonl --resume 'invoices/**/*.txt'
    constrain extract --schema person.json --field body --id message_id mails.jsonl

Records go to stdout, or to the file of `--output`; a document's error is a record, and a message on stderr.
On a terminal stderr also shows a progress bar; where stderr is no terminal, there is none.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from constrain.engine.command_options import (
    SCHEMA_HELP,
    ClosedOption,
    HiddenOption,
    ReasoningOption,
    RetriesOption,
    ShownOption,
    TemplateOption,
    closed,
    in_prompt,
    progress,
    template_kwargs,
)
from constrain.engine.documents import (
    STANDARD_INPUT,
    Document,
    Fields,
    Unreadable,
    count_documents,
    read_documents,
    sources_of,
)
from constrain.engine.resuming import Results
from constrain.engine.schema_files import read_schema
from constrain.errors import InvalidInputError

FAILED = 1


def extract_command(
    *,
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Files or glob patterns, each file one document; - or nothing: standard input."),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", help="A regular expression; its named groups are the values."),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option("--schema", "-s", help=SCHEMA_HELP),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            "--field", help="Read JSON Lines; the document is the text in this field (a.b: b in a)."
        ),
    ] = None,
    id_field: Annotated[
        str | None, typer.Option("--id", help="With --field: copy this field into the record, as `id`.")
    ] = None,
    verbatim: Annotated[
        bool,
        typer.Option(
            "--verbatim", help="Let values be only what occurs in the document: nothing is invented."
        ),
    ] = False,
    nullable: Annotated[
        bool,
        typer.Option(
            "--nullable", help="Allow null: for a pattern as a whole, for each property of an object."
        ),
    ] = False,
    no_additional_properties: ClosedOption = False,
    schema_in_prompt: ShownOption = None,
    no_schema_in_prompt: HiddenOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the records to this file.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with --output where an earlier run with the same options stopped.",
        ),
    ] = False,
    instruction: Annotated[
        str | None, typer.Option("--instruction", "-i", help="What the model is told before the document.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="A folder, a hub id or smollm2; default: the embedded lookup model."),
    ] = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", "-m", help="The most tokens to write for a document.")
    ] = 512,
    context: Annotated[
        int | None,
        typer.Option(
            "--context", help="Tokens of prompt and answer together; default: what the model takes."
        ),
    ] = None,
    overlap: Annotated[
        int, typer.Option("--overlap", help="Tokens that two parts of a long document share.")
    ] = 100,
    temp: Annotated[float, typer.Option("--temp", "--temperature", help="Temperature; 0 is greedy.")] = 0.0,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes sampling repeatable.")] = None,
    ignore_chat_template: Annotated[
        bool, typer.Option("--ignore-chat-template", help="Give the prompt without a chat template.")
    ] = False,
    chat_template_kwargs: TemplateOption = None,
    reasoning: ReasoningOption = 0,
    retries: RetriesOption = 0,
) -> None:
    """Extract the same thing from many documents: one JSON line out for each.

    A record is {"source", "line", "id", "value"}, or {..., "error"} for a document that failed, which is also
    reported on stderr; the rest goes on.  Every value is validated again before it is printed.  A document
    longer than the context is split, and its record says how in "parts".

    Exit codes: 0 all is well; 1 some document failed; 2 the command is wrong, and nothing was extracted;
    130 interrupted (with --output, --resume goes on).
    """
    if (pattern is None) == (schema is None):
        raise InvalidInputError("give one of --pattern and --schema")
    if resume and output is None:
        raise InvalidInputError("--resume needs the --output that it is to go on with")
    if id_field is not None and field is None:
        raise InvalidInputError("--id needs --field: only the lines of JSON Lines have fields")
    if no_additional_properties and schema is None:
        raise InvalidInputError("--no-additional-properties needs a --schema: patterns have no objects")
    shown = in_prompt(schema_in_prompt, no_schema_in_prompt)
    if shown and schema is None:
        raise InvalidInputError("how a schema is shown in the prompt needs a --schema")
    target = None if schema is None else read_schema(schema)
    sources = _sources(files)
    fields = None if field is None else Fields(field, id_field)
    asked = {
        "pattern": pattern,
        "schema": _schema_data(target),
        "verbatim": verbatim,
        "nullable": nullable,
        "instruction": instruction,
        "max_tokens": max_tokens,
        "context": context,
        "overlap": overlap,
        "temp": temp,
        "seed": seed,
        "model": model,
        "use_chat_template": not ignore_chat_template,
        "chat_template_kwargs": template_kwargs(chat_template_kwargs),
        "reasoning": reasoning,
        **shown,
        "retries": retries,
        **closed(no_additional_properties),
    }
    settings = {name: value for name, value in asked.items() if name not in {"schema", "model"}}
    from constrain.engine.extraction import Extractor  # late, for it loads mlx

    extractor = Extractor.of(model, **settings, schema=target)
    with ExitStack() as stack:
        results = None
        if output is not None:
            begin = Results.resume if resume else Results.begin
            results = stack.enter_context(begin(output, {**asked, "field": field, "id": id_field}))
        advance = progress(stack, "extracting", lambda: count_documents(sources, fields))
        failed = results.failed if results is not None else 0
        for document in _with_progress(read_documents(sources, fields), advance):
            if results is not None and results.is_done(document):
                continue
            found = extractor.extract(document)
            line = _line(found.as_json())
            if results is None:
                typer.echo(line)
            else:
                results.write(line)
            if found.error is not None:
                failed += 1
                _report(found.source, found.line, str(found.error))
    if failed:
        raise typer.Exit(FAILED)


def _sources(files: list[str] | None) -> list[str]:
    if files:
        return sources_of(files)
    if sys.stdin.isatty():
        raise InvalidInputError("there are no documents", hint="name files, or pipe a document in")
    return [STANDARD_INPUT]


def _schema_data(target: object) -> Any:
    """The JSON Schema of what was asked for, so that a type that changes is noticed."""
    if target is None:
        return None
    from constrain.target import schema_of

    return schema_of(target).schema


def _line(record: dict[str, Any]) -> str:
    """A record as JSON; halves of surrogate pairs, as in names of files that are not UTF-8, are escaped."""
    return json.dumps(record, ensure_ascii=False).encode(errors="backslashreplace").decode()


def _report(source: str, line: int | None, problem: str) -> None:
    name = "standard input" if source == STANDARD_INPUT else source
    place = name if line is None else f"{name}, line {line}"
    typer.echo(f"{place}: {problem}", err=True)


def _with_progress(
    documents: Iterator[Document | Unreadable], advance: Callable[[], None] | None
) -> Iterator[Document | Unreadable]:
    """The documents; the bar advances when the next one is asked for."""
    for document in documents:
        yield document
        if advance is not None:
            advance()
