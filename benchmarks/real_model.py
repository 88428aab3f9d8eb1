"""Thirty questions to a real model, constrained and free: are the answers valid, right, and at what cost?

    python -m benchmarks.real_model [--model smollm2] [--held] [--only ID ...] [--json OUT.jsonl]

The questions are in English and Italian: records, nested objects, enums, prices, dates, booleans, lists,
choices, regexes, extraction, calls.  Half of them are *held*: they are asked only with `--held`, for a final
check, and nothing is tuned on them.  All runs are greedy, with the defaults of the public functions.

    complete and valid   the answer ended by itself, and its text parses and validates (jsonschema, re)
    right                fields whose value is the one the prompt says, of all fields asked for
    invented             keys of the answer that nobody asked for
    endless              numbers of more than 12 digits: 8.5000000000000001 for 8.50 is right, but not good
    passes               runs of the model's body: the prompt's is one
    removed              the share of the model's probability that the mask took away, mean over the tokens
    canonical            the tokens are those the tokenizer writes for the text

Free runs write up to the same number of tokens with mlx-lm's own loop.  Their answer is valid if the whole
text is; where only the outermost braces of it are, it may be right but is not valid.  Seconds are CPU time of
this process.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import jsonschema
import mlx.core as mx
import numpy as np
from mlx_lm.generate import generate_step

import constrain.engine.decode
from benchmarks.cpu import load_unpacked
from constrain import (
    ConstrainError,
    IncompleteOutputError,
    LoadedModel,
    extract,
    generate_choice,
    generate_json,
    generate_regex,
    generate_tool_calls,
    read_tool_calls,
    tool_call_grammar,
)
from constrain.engine.showing import Way
from constrain.tool_calls.reader import CallEnd
from constrain.vocabulary.bitmask import allocate_token_bitmask

MAX_TOKENS = 64
Spelling = Literal["canonical", "any"]
LARGE = 0.5
"""A mask that takes more than this away is shown."""


@dataclass(frozen=True)
class Question:
    """A prompt, what its answer must be, and what is right: a value for each field, or for the whole."""

    name: str
    prompt: str
    kind: str
    form: Any
    right: Any
    held: bool = False


def record(**properties: Any) -> dict[str, Any]:
    """An object's schema: all properties required, others left open."""
    return {"type": "object", "properties": properties, "required": list(properties)}


TEXT, INTEGER, NUMBER, BOOLEAN = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))
DATE = {"type": "string", "format": "date"}


def one_of(*values: str) -> dict[str, Any]:
    """An enum's schema."""
    return {"enum": list(values)}


def items(schema: dict[str, Any], most: int = 4) -> dict[str, Any]:
    """An array's schema."""
    return {"type": "array", "items": schema, "minItems": 1, "maxItems": most}


def tool(name: str, description: str, **properties: Any) -> dict[str, Any]:
    """A tool in OpenAI's form."""
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": record(**properties)},
    }


TIMER = tool("set_timer", "Set a kitchen timer.", minutes=INTEGER)
TRAIN = tool("find_train", "Find a train.", origin=TEXT, destination=TEXT)

QUESTIONS = [
    Question("person", "Hello, I am Peter Lang, 54 years old, and I live in Vienna.", "json",
             record(name=TEXT, age=INTEGER, city=TEXT), {"name": "Peter Lang", "age": 54, "city": "Vienna"}),
    Question("persona", "Sono Giulia Ferri, ho 27 anni e abito a Bologna.", "json",
             record(nome=TEXT, eta=INTEGER, citta=TEXT),
             {"nome": "Giulia Ferri", "eta": 27, "citta": "Bologna"}, held=True),
    Question("price", "A bottle of olive oil costs 8.50 euro.", "json",
             record(product=TEXT, price=NUMBER), {"product": "olive oil", "price": 8.5}),
    Question("prezzo", "Il biglietto costa 12.30 euro.", "json", record(prezzo=NUMBER), {"prezzo": 12.3}, held=True),
    Question("whole price", "The lamp costs 40.00 dollars.", "json", record(price=NUMBER), {"price": 40}),
    Question("prezzi", "Un cornetto costa 1.40 euro, un caffè 1.10 euro.", "json",
             record(cornetto=NUMBER, caffe=NUMBER), {"cornetto": 1.4, "caffe": 1.1}, held=True),
    Question("order", "Mr Hall orders 3 chairs at 25.50 euro each. He has paid.", "json",
             record(customer=TEXT, item=record(product=TEXT, quantity=INTEGER, price=NUMBER), paid=BOOLEAN),
             {"customer": "Mr Hall", "item": {"product": "chairs", "quantity": 3, "price": 25.5}, "paid": True}),
    Question("ordine", "Carla Conti ordina 2 tavoli a 90.00 euro. Non ha ancora pagato.", "json",
             record(cliente=TEXT, articolo=record(prodotto=TEXT, quantita=INTEGER), pagato=BOOLEAN),
             {"cliente": "Carla Conti", "articolo": {"prodotto": "tavoli", "quantita": 2}, "pagato": False}, held=True),
    Question("mood", "Review: 'Terrible food, and we waited two hours.'", "json",
             record(sentiment=one_of("positive", "negative", "neutral")), {"sentiment": "negative"}),
    Question("umore", "Recensione: 'Personale gentile e camera splendida!'", "json",
             record(giudizio=one_of("positivo", "negativo", "neutro")), {"giudizio": "positivo"}, held=True),
    Question("stars", "Review: 'A fine radio, light and loud.' Four stars out of five.", "json",
             record(stars={"type": "integer", "minimum": 1, "maximum": 5}), {"stars": 4}),
    Question("colour", "The new bicycle is green.", "json", record(colour=one_of("red", "green", "blue")),
             {"colour": "green"}, held=True),
    Question("date", "The concert takes place on 2026-05-17 in Leeds.", "json", record(date=DATE, place=TEXT),
             {"date": "2026-05-17", "place": "Leeds"}),
    Question("data", "La riunione è il 2025-11-03 alle 10.", "json", record(data=DATE), {"data": "2025-11-03"},
             held=True),
    Question("flags", "The flat has a balcony but no garage.", "json", record(balcony=BOOLEAN, garage=BOOLEAN),
             {"balcony": True, "garage": False}),
    Question("animali", "L'albergo accetta cani ma non gatti.", "json", record(cani=BOOLEAN, gatti=BOOLEAN),
             {"cani": True, "gatti": False}, held=True),
    Question("shopping", "We need milk, eggs and flour.", "json", record(items=items(TEXT)),
             {"items": ["milk", "eggs", "flour"]}),
    Question("ingredienti", "Per la salsa servono pomodori, aglio e basilico.", "json",
             record(ingredienti=items(TEXT)), {"ingredienti": ["pomodori", "aglio", "basilico"]}, held=True),
    Question("scores", "The results were 12, 7 and 30 points.", "json", record(points=items(INTEGER)),
             {"points": [12, 7, 30]}),
    Question("count", "There are 18 students and 2 teachers on the bus.", "json",
             record(students=INTEGER, teachers=INTEGER), {"students": 18, "teachers": 2}, held=True),
    Question("topic", "Topic of this message: 'My parcel never arrived.'", "choice",
             ["delivery", "payment", "account"], "delivery"),
    Question("lingua", "In che lingua è scritto: 'Where is the station?'", "choice",
             ["italiano", "inglese", "tedesco"], "inglese", held=True),
    Question("phone", "Call the office at 555-0142. What is the number?", "regex", r"[0-9]{3}-[0-9]{4}", "555-0142"),
    Question("targa", "La macchina ha targa FG482KL. Qual è la targa?", "regex", r"[A-Z]{2}[0-9]{3}[A-Z]{2}",
             "FG482KL", held=True),
    Question("invoice", "Invoice 2041 from Baker Ltd, total 310.00 euro.", "extract",
             r"Invoice (?P<number>[0-9]+) from (?P<sender>[A-Z][A-Za-z ]+), total (?P<total>[0-9]+\.[0-9]{2}) euro",
             {"number": "2041", "sender": "Baker Ltd", "total": "310.00"}),
    Question("fattura", "Fattura 77 di Rossi Srl, totale 45.90 euro.", "extract",
             record(numero=TEXT, ditta=TEXT), {"numero": "77", "ditta": "Rossi Srl"}, held=True),
    Question("contact", "Reach Nora Field at nora@field.example.", "extract",
             record(name=TEXT, email=TEXT), {"name": "Nora Field", "email": "nora@field.example"}),
    Question("timer", "Set a timer for 15 minutes.", "tools", [TIMER], ["set_timer", {"minutes": 15}]),
    Question("treno", "Cerca un treno da Milano a Napoli.", "tools", [TRAIN, TIMER],
             ["find_train", {"origin": "Milano", "destination": "Napoli"}], held=True),
    Question("train", "I want to go from Oxford to London by train.", "tools", [TRAIN, TIMER],
             ["find_train", {"origin": "Oxford", "destination": "London"}], held=True),
]  # fmt: skip


class Watch:
    """What the decode loop does during one answer: its prompt, its tokens, its passes."""

    def __init__(self) -> None:
        self._decode = constrain.engine.decode.decode
        constrain.engine.decode.decode = self._watched  # type: ignore[assignment]
        self.forget()

    def forget(self) -> None:
        """Before the next answer."""
        self.prompt: list[int] = []
        self.tokens: list[int] = []
        self.start: Any = None
        self.passes = 0

    def _watched(self, network: Any, prompt: Any, constraint: Any, **options: Any) -> Iterator[int]:
        self.forget()
        self.prompt = [int(token) for token in prompt]
        self.start = getattr(constraint, "matcher", constraint).fork()

        def body(tokens: Any, cache: Any) -> Any:
            self.passes += 1
            return network.body(tokens, cache)

        steps = self._decode(replace(network, body=body), prompt, constraint, **options)
        while True:
            try:
                token = next(steps)
            except StopIteration as end:
                return end.value
            self.tokens.append(int(token))
            yield token


def ask(model: LoadedModel, question: Question, way: bool | Way, spelling: Spelling) -> Any:
    """The constrained answer: data, or text."""
    prompt, form = question.prompt, question.form
    if question.kind == "json":
        return generate_json(
            model,
            prompt,
            form,
            max_tokens=MAX_TOKENS,
            schema_in_prompt=way,
            additional_properties=False,
            spelling=spelling,
        )
    if question.kind == "choice":
        return generate_choice(model, prompt, form)
    if question.kind == "regex":
        return generate_regex(model, prompt, form, max_tokens=MAX_TOKENS)
    if question.kind == "extract":
        told = {"pattern": form} if isinstance(form, str) else {"schema": form, "spelling": spelling}
        found = next(iter(extract(model, [prompt], verbatim=True, max_tokens=MAX_TOKENS, **told)))
        if found.error is not None:
            raise found.error
        return found.value
    answer = generate_tool_calls(
        model, prompt, form, tool_choice="required", max_tokens=MAX_TOKENS, spelling=spelling
    )
    return next([call.name, call.arguments] for call in answer.calls)


def free(model: LoadedModel, prompt: list[int]) -> tuple[str, int]:
    """What mlx-lm's own loop writes after the same prompt, and in how many tokens."""
    written: list[int] = []
    for token, _ in generate_step(mx.array(prompt), model.model, max_tokens=MAX_TOKENS):
        if int(token) in model.vocabulary.eos_token_ids:
            break
        written.append(int(token))
    return model.tokenizer.decode(written), len(written)


def read_free(question: Question, text: str) -> tuple[Any, bool]:
    """The value of a free answer, None where it has none, and whether the whole text is valid."""
    if question.kind in ("choice", "regex"):
        pattern = question.form if question.kind == "regex" else "|".join(map(re.escape, question.form))
        found = re.search(pattern, text)
        return (found.group() if found else None), bool(re.fullmatch(pattern, text))
    if question.kind == "tools":
        grammar = tool_call_grammar(question.form, "hermes", tool_choice="auto")
        ends = [event for event in read_tool_calls(text, grammar) if isinstance(event, CallEnd)]
        call = [ends[0].name, json.loads(ends[0].text)] if ends else None
        return call, call is not None and is_valid(question, call)
    if isinstance(question.form, str):
        found = re.fullmatch(question.form, text.strip())
        return (found.groupdict() if found else None), bool(found)
    try:
        value = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return None, False
    return value, is_valid(question, value) and text.strip().startswith("{") and text.strip().endswith("}")


def is_valid(question: Question, value: Any) -> bool:
    """Does a value keep to what was asked, by validators that are not ours?"""
    form = question.form
    if question.kind == "choice":
        return value in form
    if question.kind == "regex":
        return bool(re.fullmatch(form, value))
    if question.kind == "tools":
        schemas = {each["function"]["name"]: each["function"]["parameters"] for each in form}
        return value[0] in schemas and jsonschema.Draft202012Validator(schemas[value[0]]).is_valid(value[1])
    if isinstance(form, str):
        return isinstance(value, dict)
    return jsonschema.Draft202012Validator(form).is_valid(value)


def rightness(right: Any, value: Any) -> tuple[int, int]:
    """Fields that are right, and all fields, of a value and of what is nested in it."""
    if isinstance(right, dict):
        given = value if isinstance(value, dict) else {}
        pairs = [rightness(wanted, given.get(key)) for key, wanted in right.items()]
        return sum(one for one, _ in pairs), sum(all_ for _, all_ in pairs)
    if isinstance(right, list) and right and isinstance(right[-1], dict):
        given = value if isinstance(value, list) and len(value) == len(right) else [None] * len(right)
        pairs = [rightness(wanted, one) for wanted, one in zip(right, given, strict=True)]
        return sum(one for one, _ in pairs), sum(all_ for _, all_ in pairs)
    return int(isinstance(value, bool) == isinstance(right, bool) and value == right), 1


def invented(right: Any, value: Any) -> int:
    """Keys that were not asked for, at any depth."""
    if isinstance(right, dict) and isinstance(value, dict):
        return len(value.keys() - right.keys()) + sum(
            invented(right.get(key), each) for key, each in value.items()
        )
    if isinstance(right, list) and isinstance(value, list):
        return sum(invented(wanted, each) for wanted, each in zip(right, value, strict=False))
    return 0


def removed(model: LoadedModel, watch: Watch) -> tuple[float, list[str]]:
    """The mean share that the masks took away, and the places where it was large.

    One pass over prompt and answer; the matcher is replayed from its start.
    """
    answer = watch.tokens
    if not answer:
        return 0.0, []
    logits = np.array(
        model.model(mx.array([watch.prompt + answer]))[0, len(watch.prompt) - 1 : -1].astype(mx.float32)
    )
    row, matcher = allocate_token_bitmask(1, model.vocabulary.size), watch.start
    lost, places = [], []
    for step, token in enumerate(answer):
        matcher.fill_next_token_bitmask(row, 0)
        allowed = np.unpackbits(row[0].view(np.uint8), bitorder="little")[: logits.shape[1]].astype(bool)
        share = np.exp(logits[step] - logits[step].max())
        share /= share.sum()
        lost.append(float(share[~allowed].sum()))
        if lost[-1] > LARGE:
            before = model.vocabulary.decode(answer[:step])[-16:].decode("utf-8", "replace")
            wanted, taken = (model.tokenizer.decode([int(each)]) for each in (share.argmax(), token))
            places.append(f"{lost[-1]:.2f} after {before!r}: {wanted!r} wanted, {taken!r} taken")
        matcher.accept_token(token)
    return float(np.mean(lost)), places


def text_of(model: LoadedModel, watch: Watch) -> str:
    """What was written."""
    return model.vocabulary.decode(watch.tokens).decode("utf-8", "replace")


def endless(text: str) -> int:
    """How many numbers of more than 12 digits a text has, those in its strings left out.

    >>> endless('{"a": 8.5000000000000001, "b": "123456789012345"}')
    1
    """
    return len(re.findall(r"[0-9.]{14,}", re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)))


def is_canonical(model: LoadedModel, tokens: list[int]) -> bool:
    """Are the tokens those that the tokenizer writes for their text?"""
    text = model.vocabulary.decode(tokens).decode("utf-8", "replace")
    return [int(token) for token in model.tokenizer.encode(text, add_special_tokens=False)] == tokens


def observe(
    model: LoadedModel,
    watch: Watch,
    question: Question,
    way: bool | Way,
    spelling: Spelling,
    *,
    is_free: bool,
) -> dict[str, Any]:
    """One question in both ways, or constrained only."""
    watch.forget()
    before = time.process_time()
    value, error = None, ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = ask(model, question, way, spelling)
        except ConstrainError as problem:
            error = f"{type(problem).__name__}: {problem.what}"
            if isinstance(problem, IncompleteOutputError):
                value = read_free(question, problem.text)[0]
    seconds = time.process_time() - before
    loss, places = removed(model, watch)
    right, fields = rightness(question.right, value)
    before = time.process_time()
    text, count = free(model, watch.prompt) if is_free else ("", 0)
    free_seconds = time.process_time() - before
    free_value, free_valid = read_free(question, text)
    return {
        "question": question.name,
        "kind": question.kind,
        "held": question.held,
        "text": text_of(model, watch),
        "error": error,
        "warned": [each.category.__name__ for each in caught],
        "valid": not error and is_valid(question, value),
        "right": right,
        "fields": fields,
        "invented": invented(question.right, value),
        "endless": endless(text_of(model, watch)),
        "tokens": len(watch.tokens),
        "prompt_tokens": len(watch.prompt),
        "passes": watch.passes,
        "seconds": round(seconds, 2),
        "removed": round(loss, 3),
        "large": places,
        "canonical": is_canonical(model, watch.tokens),
        "free_text": text,
        "free_valid": free_valid,
        "free_right": rightness(question.right, free_value)[0],
        "free_tokens": count,
        "free_seconds": round(free_seconds, 2),
    }


def report(found: list[dict[str, Any]]) -> None:
    """A row for each question, and the sums."""
    print(
        "\n| question | valid | right | invented | endless | tokens | passes | s | removed | canonical "
        "| free: valid | right | tokens | s |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---|---|---:|---:|---:|")
    for one in found:
        print(
            f"| {one['question']} | {'yes' if one['valid'] else 'no'} | {one['right']} of {one['fields']} | "
            f"{one['invented']} | {one['endless']} | "
            f"{one['tokens']} | {one['passes']} | {one['seconds']:.1f} | {one['removed']:.2f} | "
            f"{'yes' if one['canonical'] else 'no'} | {'yes' if one['free_valid'] else 'no'} | "
            f"{one['free_right']} | {one['free_tokens']} | {one['free_seconds']:.1f} |"
        )
    total = {
        key: sum(one[key] for one in found) for key in found[0] if isinstance(found[0][key], int | float)
    }
    tokens = max(1, total["tokens"])
    loss = sum(one["removed"] * one["tokens"] for one in found) / tokens
    print(
        f"| all {len(found)} | {total['valid']} | {total['right']} of {total['fields']} "
        f"| {total['invented']} | {total['endless']} | {total['tokens']} "
        f"| {total['passes']} | {total['seconds']:.0f} | {loss:.2f} | {total['canonical']} "
        f"| {total['free_valid']} | {total['free_right']} | {total['free_tokens']} "
        f"| {total['free_seconds']:.0f} |"
    )


def main() -> None:
    """Ask, print, and write a line of JSON for each question."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="smollm2", help="what `load` takes")
    parser.add_argument("--held", action="store_true", help="ask the held questions in place of the others")
    parser.add_argument("--only", nargs="*", help="some of the questions, by name")
    parser.add_argument("--json", type=Path, help="one line of JSON for each question")
    parser.add_argument("--show", choices=get_args(Way), help="how a schema is shown in the prompt")
    parser.add_argument("--spelling", choices=get_args(Spelling), default="canonical", help="of JSON")
    parser.add_argument("--constrained", action="store_true", help="no free answers")
    arguments = parser.parse_args()
    model, watch, found = load_unpacked(arguments.model), Watch(), []
    _ = model.vocabulary
    for question in QUESTIONS:
        if question.held != arguments.held or (arguments.only and question.name not in arguments.only):
            continue
        way = arguments.show or True
        one = observe(model, watch, question, way, arguments.spelling, is_free=not arguments.constrained)
        found.append(one)
        print(
            f"{one['question']}: {one['text']!r} {one['error']}\n    free: {one['free_text']!r}", flush=True
        )
        for place in one["large"]:
            print(f"    {place}", flush=True)
        if arguments.json is not None:
            with arguments.json.open("a", encoding="utf-8") as out:
                out.write(json.dumps(one, ensure_ascii=False) + "\n")
    report(found)


if __name__ == "__main__":
    main()
