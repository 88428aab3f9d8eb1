"""`constrain prove`: does whatever is written under a grammar always parse?

    constrain prove models.py:Person
    constrain prove --pattern '[0-9]{4}-[0-9]{2}' -n 5000
    constrain prove --grammar sql --seconds 60 --model mlx-community/nesso-0.4B-agentic-mlx
    constrain prove --tools weather.py:get_weather --html proof.html

No weights are loaded: adversaries write over the tokenizer's vocabulary, and validators judge
(`constrain/proof/`).  The report goes to stdout; a failure comes with the command that shows it again.
"""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from constrain.arguments import nearest
from constrain.engine.command_options import SCHEMA_HELP, ClosedOption, closed, progress
from constrain.engine.schema_files import find_grammar, read_schema
from constrain.engine.tools_cli import read_tools
from constrain.errors import InvalidInputError

if TYPE_CHECKING:
    from constrain.proof.proving import Proof
    from constrain.proof.subject import Subject
    from constrain.vocabulary.vocabulary import Vocabulary

BROKEN = 1
DEFAULT_OUTPUTS = 1_000


def prove_command(
    *,
    schema_argument: Annotated[str | None, typer.Argument(metavar="SCHEMA", help=SCHEMA_HELP)] = None,
    schema: Annotated[str | None, typer.Option("--schema", "-s", help=SCHEMA_HELP)] = None,
    pattern: Annotated[
        str | None, typer.Option("--pattern", help="A regular expression in Python's syntax.")
    ] = None,
    grammar: Annotated[
        str | None, typer.Option("--grammar", "-g", help="A .lark file, or a name of the catalogue.")
    ] = None,
    start: Annotated[str, typer.Option("--start", help="The rule of the grammar to start from.")] = "start",
    tools: Annotated[
        list[str] | None, typer.Option("--tools", "-t", help="A JSON file, or file.py:function.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Whose tokenizer: a folder, a hub id, smollm2, or small; default: the embedded one.",
        ),
    ] = None,
    outputs: Annotated[
        int | None,
        typer.Option("-n", "--outputs", min=1, help="So many generations; default 1,000, or no end to them."),
    ] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="Stop after so long.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other outputs.")] = 0,
    walker: Annotated[
        list[str] | None, typer.Option("--walker", help="Only this walker; may be repeated.")
    ] = None,
    no_additional_properties: ClosedOption = False,
    whitespace: Annotated[str, typer.Option(help="default, compact, any.")] = "default",
    property_order: Annotated[str, typer.Option(help="schema or any.")] = "schema",
    replay: Annotated[
        str | None, typer.Option("--replay", help="Look at one case again, as a failure printed it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as a page, too.")] = None,
) -> None:
    """Prove that whatever is written under a schema, a type, a pattern, a grammar or tools is right.

    Exit codes: 0 every law held; 1 one was broken; 2 the command is wrong, or the grammar is refused.
    """
    schema = schema_argument if schema is None else schema
    if [schema, pattern, grammar, tools or None].count(None) != 3:
        raise InvalidInputError("give one of --schema, --pattern, --grammar and --tools")
    from constrain.proof.laws import Case, broken
    from constrain.proof.page import as_page
    from constrain.proof.proving import prove
    from constrain.proof.walkers import WALKERS

    for name in walker or ():
        if name not in WALKERS:
            hint = nearest(name, list(WALKERS), f"the walkers are {', '.join(WALKERS)}")
            raise InvalidInputError(f"there is no walker `{name}`", hint=hint)
    options = closed(no_additional_properties) | {"whitespace": whitespace, "property_order": property_order}
    subject = _subject(
        _vocabulary(model),
        schema=schema,
        pattern=pattern,
        grammar=grammar,
        start=start,
        tools=tools,
        options=options,
    )
    if replay is not None:
        problem = broken(subject, Case.read(replay))
        typer.echo("the law holds" if problem is None else problem)
        raise typer.Exit(0 if problem is None else BROKEN)
    count = DEFAULT_OUTPUTS if outputs is None and seconds is None else outputs
    with ExitStack() as stack:
        proof = prove(
            subject,
            sys.maxsize if count is None else count,
            seed=seed,
            seconds=seconds,
            walkers=tuple(WALKERS[name] for name in walker or WALKERS),
            told=progress(stack, "proving", lambda: count),
        )
    if html is not None:
        html.write_text(as_page(proof, f"constrain prove: {subject.name}"), encoding="utf-8")
    typer.echo(json.dumps(proof.as_json(), ensure_ascii=False, indent=2) if as_json else _report(proof))
    if not proof.good:
        raise typer.Exit(BROKEN)


def _report(proof: Proof) -> str:
    command = shlex.join(["constrain", *_without_size(sys.argv[1:])])
    return str(proof).replace("  again: --replay", f"  again: {command} --replay")


def _without_size(arguments: list[str]) -> list[str]:
    """The command that names what is proved, without what says how much and how it is told."""
    kept: list[str] = []
    skipped = False
    for argument in arguments:
        if skipped:
            skipped = False
        elif argument in {"-n", "--outputs", "--seconds", "--seed", "--html", "--walker"}:
            skipped = True
        elif argument != "--json" and not argument.startswith(
            ("--outputs=", "--seconds=", "--seed=", "--html=")
        ):
            kept.append(argument)
    return kept


def _vocabulary(model: str | None) -> Vocabulary:
    """The vocabulary of a model, whose weights are not read where it is a folder or an id."""
    if model == "small":
        from constrain.proof.small import small_vocabulary

        return small_vocabulary()
    from constrain.engine.model import load_vocabulary

    return load_vocabulary(model)


def _subject(
    vocabulary: Vocabulary,
    *,
    schema: str | None,
    pattern: str | None,
    grammar: str | None,
    start: str,
    tools: list[str] | None,
    options: dict[str, Any],
) -> Subject:
    from constrain.proof import subject

    if schema is not None:
        return subject.schema_subject(read_schema(schema), vocabulary, name=schema, **options)
    if pattern is not None:
        return subject.pattern_subject(pattern, vocabulary)
    if grammar is not None:
        return subject.lark_subject(find_grammar(grammar), vocabulary, start=start)
    return subject.tools_subject([tool for source in tools or () for tool in read_tools(source)], vocabulary)
