"""The command line: read arguments, call `constrain.engine.generate`, print.

    constrain json --schema person.json --prompt "Mi chiamo Anna e ho 31 anni"
    constrain json '{"type": "array", "items": {"type": "integer"}}' --prompt "one, 2, three"
    constrain json --schema models.py:Person --prompt - < mail.txt
    constrain regex '[0-9]{4}' --prompt "the year of the moon landing, 1969"
    constrain choice happy sad --prompt "What a lovely day!"
    constrain grammar sql --prompt "The names of all red cars"
    constrain grammars --show sql
    constrain tools --tools tools.json --prompt "Che tempo fa a Roma?"
    constrain prove models.py:Person
    constrain check --schema person.json --text '{"name": "Anna"}'
    constrain show --pattern '[0-9]{4}-(0[1-9]|1[0-2])' -o month.svg

The answer goes to stdout and nothing else does, so it can be piped.  What goes wrong goes to stderr as one
message (what, where, hint) with exit code 2; a traceback here is a bug.  An answer that `--max-tokens`
brought to its end is complete, and a warning on stderr says so; one that cannot be complete is an error.  One
that a validator of the type refuses is shown on stderr, with exit code 1.

Heavy imports (mlx-lm takes a second) wait until the arguments have been read, so that a wrong one is told
at once.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

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
    one_of,
    tell_reasoning,
    template_kwargs,
)
from constrain.engine.extract_cli import extract_command
from constrain.engine.files import read_prompt
from constrain.engine.prove_cli import prove_command
from constrain.engine.schema_files import find_grammar, read_schema
from constrain.engine.tools_cli import tools_command
from constrain.errors import (
    ConstrainError,
    EndedEarlyWarning,
    IncompleteOutputError,
    InvalidInputError,
    LimitExceeded,
    RefusedOutputError,
)
from constrain.pictures import DEFAULT_MAX_NODES

app = typer.Typer(
    name="constrain",
    help="Text from a language model, valid by construction: JSON Schema, Pydantic, regex, Lark grammars.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SchemaOption = Annotated[str | None, typer.Option("--schema", "-s", help=SCHEMA_HELP)]
SchemaArgument = Annotated[str | None, typer.Argument(metavar="SCHEMA", help=SCHEMA_HELP)]
PATTERN_HELP = "A regular expression in Python's syntax, matched as a whole."
PatternOption = Annotated[str | None, typer.Option("--pattern", help=PATTERN_HELP)]
PromptOption = Annotated[str, typer.Option("--prompt", "-p", help="What to answer; - reads standard input.")]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", help="A folder, a hub id or smollm2; default: the embedded lookup model."),
]
TokensOption = Annotated[int, typer.Option("--max-tokens", "-m", help="The most tokens to write.")]
TempOption = Annotated[float, typer.Option("--temp", "--temperature", help="Temperature; 0 is greedy.")]
TopPOption = Annotated[
    float, typer.Option("--top-p", help="Keep the likeliest tokens of this total probability.")
]
MinPOption = Annotated[
    float, typer.Option("--min-p", help="Drop tokens less likely than this share of the likeliest.")
]
TopKOption = Annotated[int, typer.Option("--top-k", help="Keep this many tokens; 0 keeps all.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Makes sampling repeatable.")]
GrammarOption = Annotated[
    str | None, typer.Option("--grammar", "-g", help="A .lark file, or a name of the catalogue.")
]
StartOption = Annotated[str, typer.Option("--start", help="The rule of the grammar to start from.")]
PlainOption = Annotated[
    bool, typer.Option("--ignore-chat-template", help="Give the prompt as it is, without a chat template.")
]


def _version(show: bool) -> None:
    if show:
        from constrain import __version__

        typer.echo(f"constrain {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Constrained decoding for MLX."""


@app.command("json")
def json_command(
    *,
    schema_argument: SchemaArgument = None,
    schema: SchemaOption = None,
    prompt: PromptOption,
    model: ModelOption = None,
    max_tokens: TokensOption = 512,
    temp: TempOption = 0.0,
    top_p: TopPOption = 0.0,
    min_p: MinPOption = 0.0,
    top_k: TopKOption = 0,
    seed: SeedOption = None,
    ignore_chat_template: PlainOption = False,
    chat_template_kwargs: TemplateOption = None,
    reasoning: ReasoningOption = 0,
    schema_in_prompt: ShownOption = None,
    no_schema_in_prompt: HiddenOption = False,
    whitespace: Annotated[
        str, typer.Option(help="default, compact, any, or the longest run allowed.")
    ] = "default",
    property_order: Annotated[str, typer.Option(help="schema or any.")] = "schema",
    no_additional_properties: ClosedOption = False,
    retries: RetriesOption = 0,
    indent: Annotated[int | None, typer.Option(help="Print the answer indented by this many blanks.")] = None,
) -> None:
    """Answer with JSON that follows a schema.

    Exit codes: 0 all is well; 1 a validator of the type refuses the answer, which stderr then shows; 2 the
    command is wrong, or the answer was cut off.
    """
    target = read_schema(one_of(schema_argument, schema, "schema"))
    text = read_prompt(prompt)
    from constrain.answers import read_json
    from constrain.engine.generate import generate_json

    answer = generate_json(
        model,
        text,
        target,
        return_result=True,
        retries=retries,
        max_tokens=max_tokens,
        temp=temp,
        top_p=top_p,
        min_p=min_p,
        top_k=top_k,
        seed=seed,
        use_chat_template=not ignore_chat_template,
        chat_template_kwargs=template_kwargs(chat_template_kwargs),
        reasoning=reasoning,
        whitespace=cast(Any, _whole_or_name(whitespace)),
        property_order=cast(Any, property_order),
        **in_prompt(schema_in_prompt, no_schema_in_prompt),
        **closed(no_additional_properties),
    )
    tell_reasoning(answer.reasoning)
    typer.echo(json.dumps(read_json(answer.text), ensure_ascii=False, indent=indent))


@app.command("regex")
def regex_command(
    *,
    pattern_argument: Annotated[str | None, typer.Argument(metavar="PATTERN", help=PATTERN_HELP)] = None,
    pattern: PatternOption = None,
    prompt: PromptOption,
    model: ModelOption = None,
    max_tokens: TokensOption = 512,
    temp: TempOption = 0.0,
    top_p: TopPOption = 0.0,
    min_p: MinPOption = 0.0,
    top_k: TopKOption = 0,
    seed: SeedOption = None,
    ignore_chat_template: PlainOption = False,
    chat_template_kwargs: TemplateOption = None,
    reasoning: ReasoningOption = 0,
    no_pattern_in_prompt: Annotated[
        bool,
        typer.Option(
            "--no-pattern-in-prompt", help="Constrain by the pattern without showing it to the model."
        ),
    ] = False,
    verbatim: Annotated[
        bool,
        typer.Option("--verbatim", help="Let the named groups, or else the answer, be text of the prompt."),
    ] = False,
    groups: Annotated[
        bool, typer.Option("--groups", help="Print the named groups as a JSON object.")
    ] = False,
) -> None:
    """Answer with text that matches a regular expression; checked once more before it is printed.

    Exit code 2: something is wrong with the command, or the answer was cut off.
    """
    pattern = one_of(pattern_argument, pattern, "pattern")
    text = read_prompt(prompt)
    from constrain.engine.forms import PatternForm
    from constrain.engine.text import stream_regex

    form = PatternForm(pattern)
    if groups and not form.groups:
        raise InvalidInputError("--groups needs named groups", where=pattern, hint="name them: (?P<name>...)")
    source = text if verbatim else None
    answer = stream_regex(
        model,
        text,
        pattern,
        max_tokens=max_tokens,
        temp=temp,
        top_p=top_p,
        min_p=min_p,
        top_k=top_k,
        seed=seed,
        use_chat_template=not ignore_chat_template,
        chat_template_kwargs=template_kwargs(chat_template_kwargs),
        reasoning=reasoning,
        pattern_in_prompt=not no_pattern_in_prompt,
        verbatim=source,
    ).result()
    tell_reasoning(answer.reasoning)
    found = form.read(answer.text, source, nullable=False)
    typer.echo(json.dumps(found, ensure_ascii=False) if groups else answer.text)


@app.command("choice")
def choice_command(
    *,
    choices: Annotated[list[str], typer.Argument(help="The texts to choose from.")],
    prompt: PromptOption,
    model: ModelOption = None,
    temp: TempOption = 0.0,
    seed: SeedOption = None,
    ignore_chat_template: PlainOption = False,
    chat_template_kwargs: TemplateOption = None,
    reasoning: ReasoningOption = 0,
    logprobs: Annotated[
        bool, typer.Option("--logprobs", help="Print JSON: the text, and each choice's log-probability.")
    ] = False,
) -> None:
    """Answer with one of some texts."""
    text = read_prompt(prompt)
    from constrain.engine.generate import generate_choice

    options: Any = {
        "temp": temp,
        "seed": seed,
        "use_chat_template": not ignore_chat_template,
        "chat_template_kwargs": template_kwargs(chat_template_kwargs),
        "reasoning": reasoning,
    }
    if not logprobs and not reasoning:
        typer.echo(generate_choice(model, text, choices, **options))
        return
    chosen = generate_choice(model, text, choices, with_logprobs=True, **options)
    tell_reasoning(chosen.reasoning)
    record = {"text": chosen.text, "logprobs": chosen.logprobs}
    typer.echo(json.dumps(record, ensure_ascii=False) if logprobs else chosen.text)


@app.command("grammar")
def grammar_command(
    *,
    grammar: Annotated[
        str, typer.Argument(help="A .lark file, or a name of the catalogue (`constrain grammars`).")
    ],
    prompt: PromptOption,
    start: StartOption = "start",
    model: ModelOption = None,
    max_tokens: TokensOption = 512,
    temp: TempOption = 0.0,
    top_p: TopPOption = 0.0,
    min_p: MinPOption = 0.0,
    top_k: TopKOption = 0,
    seed: SeedOption = None,
    ignore_chat_template: PlainOption = False,
    chat_template_kwargs: TemplateOption = None,
    reasoning: ReasoningOption = 0,
    no_grammar_in_prompt: Annotated[
        bool,
        typer.Option(
            "--no-grammar-in-prompt", help="Constrain by the grammar without showing it to the model."
        ),
    ] = False,
) -> None:
    """Answer with text that a Lark grammar accepts."""
    text = read_prompt(prompt)
    path = find_grammar(grammar)
    from constrain.engine.text import stream_lark

    answer = stream_lark(
        model,
        text,
        path,
        start=start,
        max_tokens=max_tokens,
        temp=temp,
        top_p=top_p,
        min_p=min_p,
        top_k=top_k,
        seed=seed,
        use_chat_template=not ignore_chat_template,
        chat_template_kwargs=template_kwargs(chat_template_kwargs),
        reasoning=reasoning,
        grammar_in_prompt=not no_grammar_in_prompt,
    ).result()
    tell_reasoning(answer.reasoning)
    typer.echo(answer.text)


@app.command("grammars")
def grammars_command(
    *,
    name_argument: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The grammar to print; without it, all are listed.")
    ] = None,
    show: Annotated[str | None, typer.Option("--show", help="Print this grammar.")] = None,
) -> None:
    """List the grammars of the catalogue, or print one of them."""
    from constrain import grammars

    if name_argument is not None or show is not None:
        show = one_of(name_argument, show, "show")
        typer.echo(grammars.path(show).read_text(encoding="utf-8"), nl=False)
        return
    width = max(map(len, grammars.names()))
    for name in grammars.names():
        typer.echo(f"{name:{width}}  {grammars.about(name)}")


@app.command("check")
def check_command(
    *,
    schema_argument: SchemaArgument = None,
    schema: SchemaOption = None,
    pattern: PatternOption = None,
    grammar: GrammarOption = None,
    start: StartOption = "start",
    text: Annotated[
        str | None, typer.Option("--text", help="Does this text conform?  - reads standard input.")
    ] = None,
    no_additional_properties: ClosedOption = False,
    model: ModelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Report on a schema, a pattern or a grammar without generating: is it honoured, does a text conform?

    Exit code 1: something is refused, nothing satisfies it, or the text does not conform.
    """
    schema = _only_one(schema_argument, schema, pattern, grammar)
    from constrain.engine.checking import check_grammar, check_pattern, check_type

    written = None if text is None else _read_bytes(text)
    if schema is not None:
        found = check_type(read_schema(schema), written, model, **closed(no_additional_properties))
    elif grammar is not None:
        found = check_grammar(find_grammar(grammar), start, written, model)
    else:
        found = check_pattern(str(pattern), written, model)
    typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if as_json else str(found))
    if not found.good:
        raise typer.Exit(1)


@app.command("show")
def show_command(
    *,
    schema_argument: SchemaArgument = None,
    schema: SchemaOption = None,
    pattern: PatternOption = None,
    grammar: GrammarOption = None,
    start: StartOption = "start",
    no_additional_properties: ClosedOption = False,
    max_nodes: Annotated[
        int, typer.Option(help="The most states, schemas or rules to draw.")
    ] = DEFAULT_MAX_NODES,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the picture to this file, not to stdout.")
    ] = None,
) -> None:
    """Draw a picture, as SVG: a pattern's automaton, a grammar's railroad diagrams, a schema's tree.

    Exit code 2: it is wrong, or larger than --max-nodes.
    """
    schema = _only_one(schema_argument, schema, pattern, grammar)
    from constrain import draw_json_schema, draw_lark, draw_regex

    if schema is not None:
        picture = draw_json_schema(
            read_schema(schema), max_nodes=max_nodes, **closed(no_additional_properties)
        )
    elif grammar is not None:
        picture = draw_lark(find_grammar(grammar), start=start, max_nodes=max_nodes)
    else:
        picture = draw_regex(str(pattern), max_nodes=max_nodes)
    if output is None:
        typer.echo(picture.svg, nl=False)
    else:
        output.write_text(picture.svg, encoding="utf-8")


@app.command("help", hidden=True)
def help_command(context: typer.Context) -> None:
    """Show what there is."""
    assert context.parent is not None
    typer.echo(context.parent.get_help())


app.command("tools")(tools_command)
app.command("extract")(extract_command)
app.command("prove")(prove_command)


def _only_one(
    schema_argument: str | None, schema: str | None, pattern: str | None, grammar: str | None
) -> str | None:
    """The schema, if one is given.  Raises InvalidInputError unless one of all is."""
    if [schema_argument, schema, pattern, grammar].count(None) != 3:
        raise InvalidInputError("give one of --schema, --pattern and --grammar")
    return schema_argument if schema is None else schema


def _whole_or_name(text: str) -> int | str:
    """A number where it is one; every other text is for its option to refuse, digits without end too."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def _read_bytes(text: str) -> bytes:
    """The bytes of an argument, or of standard input where it is `-`."""
    return sys.stdin.buffer.read() if text == "-" else os.fsencode(text)


def _stop(problem: ConstrainError) -> NoReturn:
    typer.echo(f"error: {problem}", err=True)
    if isinstance(problem, IncompleteOutputError):
        typer.echo(f"written so far:\n{problem.text}", err=True)
    if isinstance(problem, RefusedOutputError):
        typer.echo(f"the answer:\n{problem.text}", err=True)
        sys.exit(1)
    sys.exit(2)


def _tell(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
    """What is warned of, in the words of a command; what others warn of, as Python shows it."""
    if issubclass(category, EndedEarlyWarning):
        typer.echo(f"warning: {message}", err=True)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, *place[:2]))


def main() -> None:
    """The `constrain` command."""
    _escape_halves()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", EndedEarlyWarning)
            warnings.showwarning = _tell
            app()
    except ConstrainError as problem:
        _stop(problem)
    except RecursionError:
        _stop(LimitExceeded("something here is nested too deeply for Python's recursion limit"))
    except MemoryError:
        _stop(LimitExceeded("something here is too large for the memory of this machine"))
    except OSError as problem:
        name = f": {problem.filename}" if problem.filename else ""
        _stop(InvalidInputError(f"a file cannot be read or written: {problem.strerror or problem}{name}"))
    except KeyboardInterrupt:
        sys.exit(130)


def _escape_halves() -> None:
    """Let half a surrogate pair, which no encoding has, be written as `\\ud800`, as JSON writes it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
