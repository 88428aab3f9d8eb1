"""What `extract` yields is valid, occurs in the document when it must, and says what was done."""

from __future__ import annotations

import dataclasses
import enum
import json
import shutil
from typing import Annotated, Any

import jsonschema
import mlx.core as mx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel

from constrain.engine.documents import Document, Unreadable
from constrain.engine.extraction import Extractor, context_of, extract
from constrain.engine.forms import SchemaForm
from constrain.engine.model import LoadedModel, load
from constrain.errors import InvalidInputError, LimitExceeded, RegexError, UnsatisfiableError
from constrain.json_schema.occurring import numbers_in
from tests.engine import corpus

DATE = r"(?P<date>\d{4}-\d{2}-\d{2})"
INVOICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "total": {"type": "number"},
        "customer": {"type": "string"},
        "kind": {"enum": ["invoice", "mail"]},
    },
    "required": ["total", "customer", "kind"],
}


def uniform(logits: mx.array) -> mx.array:
    """Any token that the mask allows, as likely as any other."""
    return mx.random.categorical(mx.where(logits > -1e9, 0.0, -mx.inf))


def values(found: Any) -> list[Any]:
    return [one.error or one.data for one in found]


# The corpus.


@pytest.mark.parametrize("name", corpus.QUESTIONS)
def test_answers_about_the_corpus_are_those_on_record(name: str, lookup_model: LoadedModel) -> None:
    """A change of any of them is to be seen, and judged."""
    question = corpus.QUESTIONS[name]

    found = extract(lookup_model, corpus.documents(question), **corpus.options(question))

    assert [one.as_json() for one in found] == corpus.expected(name)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", corpus.QUESTIONS)
def test_every_answer_about_the_corpus_is_valid_and_verbatim(
    name: str, seed: int, lookup_model: LoadedModel
) -> None:
    """Even where tokens are drawn blindly."""
    question = corpus.QUESTIONS[name]
    options = {**corpus.options(question), "verbatim": True}
    documents = list(corpus.documents(question))

    for document, found in zip(
        documents, extract(lookup_model, documents, sampler=uniform, seed=seed, **options), strict=True
    ):
        assert isinstance(document, Document)
        if found.error is not None:
            assert found.error.what.startswith("the answer was not complete"), found.error
            continue
        if "pattern" in options and found.data is not None:
            assert all(group in document.text for group in found.data.values())
        elif "schema" in options:
            texts = [v for k, v in found.data.items() if isinstance(v, str) and k != "currency"]

            assert all(text in document.text for text in texts)
            total = found.data.get("total")
            assert total is None or total in map(float, numbers_in(document.text))


@settings(max_examples=40, deadline=None)
@given(
    st.text(alphabet='ab 12,.\n"\\é€-', min_size=1, max_size=40),
    st.booleans(),
    st.integers(0, 1_000),
)
def test_whatever_the_document_answers_are_valid_and_verbatim(text: str, nullable: bool, seed: int) -> None:
    """Hypothesis writes the documents."""
    found = next(
        extract(
            None,
            [text],
            schema=INVOICE,
            verbatim=True,
            nullable=nullable,
            additional_properties=False,
            sampler=uniform,
            seed=seed,
        )
    )

    if found.error is not None:
        assert isinstance(found.error, UnsatisfiableError) or not text.strip()
        return
    if not nullable:
        jsonschema.validate(found.data, INVOICE)
    assert found.data["customer"] is None or found.data["customer"] in text
    assert found.data["total"] is None or found.data["total"] in map(float, numbers_in(text))
    assert found.data["kind"] in {None, "invoice", "mail"}


# What can be asked.


def test_a_pattern_without_groups_gives_the_whole_text() -> None:
    assert values(extract(None, ["Order IT-558210."], pattern=r"IT-\d{6}")) == ["IT-558210"]


def test_a_group_that_takes_no_part_is_null() -> None:
    """As in re.Match.groupdict."""
    assert values(extract(None, ["see A7"], pattern=r"(?P<a>A7)(?P<b>x)?", verbatim=True)) == [
        {"a": "A7", "b": None}
    ]


def test_a_type_gives_instances_and_plain_data() -> None:
    @dataclasses.dataclass
    class Person:
        name: str
        age: int

    found = next(extract(None, ["Mi chiamo Anna e ho 31 anni."], schema=Person, verbatim=True))

    assert (found.value, found.data) == (Person("Anna", 31), {"name": "Anna", "age": 31})


def test_null_for_what_is_not_found_is_plain_data() -> None:
    """A type has no instance with a hole in it."""

    class Person(BaseModel):
        name: str
        age: int

    found = next(extract(None, ["Mi chiamo Anna."], schema=Person, verbatim=True, nullable=True))

    assert found.value == {"name": "Anna", "age": None}


def test_a_schema_that_is_no_object_is_nullable_as_a_whole() -> None:
    class Level(enum.Enum):
        WARN = "WARN"
        ERROR = "ERROR"

    schema = {
        "type": "array",
        "items": {"$ref": "#/$defs/n"},
        "$defs": {"n": {"type": "integer"}},
        "minItems": 1,
    }

    found = extract(None, ["nothing"], schema=schema, nullable=True, verbatim=True)

    assert values(found) == [None]
    assert next(extract(None, ["level ERROR"], schema=Level, nullable=True)).data in {"ERROR", None}


def test_null_always_means_that_nothing_was_found() -> None:
    """Also where the pattern takes the text `null`."""
    found = extract(None, ["the value is null"], pattern=r"(?P<w>nu?ll)", nullable=True, verbatim=True)

    assert values(found) == [None]


@pytest.mark.parametrize("pattern", [r"(?i)(?P<w>ERROR)", r"(?x)(?P<w>error)  # a word"])
def test_flags_of_a_pattern_survive_null(pattern: str) -> None:
    assert values(extract(None, ["an error"], pattern=pattern, nullable=True, verbatim=True)) == [
        {"w": "error"}
    ]


# What goes wrong with one document.


def test_one_document_that_fails_stops_nothing() -> None:
    bad = Unreadable(InvalidInputError("byte 0 (0xff) is not UTF-8"), "b.txt")
    documents = [Document("on 2024-03-12", "a.txt"), bad, "  \n", "none here", "2024-03-13"]

    found = list(extract(None, documents, pattern=DATE, verbatim=True))

    assert [one.as_json() for one in found] == [
        {"source": "a.txt", "value": {"date": "2024-03-12"}},
        {"source": "b.txt", "error": "byte 0 (0xff) is not UTF-8"},
        {
            "source": "",
            "error": "the document is empty\nhint: with nullable, the answer for an empty document is null",
        },
        {
            "source": "",
            "error": "nothing in the document matches\n    at (?P<date>\\d{4}-\\d{2}-\\d{2})\n"
            "hint: with nullable, the answer for such a document is null",
        },
        {"source": "", "value": {"date": "2024-03-13"}},
    ]


def test_half_a_surrogate_pair_is_no_text() -> None:
    """JSON can spell one, and Python holds it; tokenizers do not."""
    bad, good = extract(None, ["x 2024-03-12 \ud83d y", "2024-03-12"], pattern=DATE, verbatim=True)

    assert str(bad.error) == (
        "half a surrogate pair, \\ud83d, is character 13 of the text\n    at 'x 2024-03-12 \\ud83d y'\n"
        "hint: write the whole pair; on a command line, halves come from bytes that are not UTF-8"
    )
    assert good.data == {"date": "2024-03-12"}


def test_a_number_that_python_cannot_hold_is_an_error_and_not_infinity() -> None:
    """`Infinity` is not JSON."""
    digits = "9" * 400

    with pytest.raises(LimitExceeded) as caught:
        SchemaForm({"type": "number"}).read(f"{digits}.5", None, nullable=False)
    assert str(caught.value) == (
        "the answer holds a number of 402 characters, beyond 1.8e+308, the largest float of Python\n"
        f"    at {digits[:60]}...\nhint: bound it in the schema, with minimum and maximum"
    )
    with pytest.raises(LimitExceeded, match="beyond the 4300 digits that Python reads"):
        SchemaForm({"type": "integer"}).read("9" * 5_000, None, nullable=False)


def test_an_empty_document_has_nothing_where_that_is_an_answer() -> None:
    assert values(extract(None, [""], pattern=DATE, nullable=True)) == [None]
    assert values(extract(None, [" "], schema=INVOICE, nullable=True)) == [
        {"total": None, "customer": None, "kind": None}
    ]


def test_a_schema_that_the_document_cannot_fill_says_where() -> None:
    found = next(extract(None, ["no number"], schema=INVOICE, verbatim=True))

    assert str(found.error) == (
        "nothing in the document can be a value of this schema\n"
        "    at #/properties/total\n"
        "hint: with nullable, what is not found is null"
    )


def test_groups_that_python_cuts_otherwise_are_an_error_and_never_an_invention() -> None:
    """The automaton knows a way to cut the text into pieces of the document; `re` finds another one."""
    pattern = r"(?P<a>[a-z ]+)-?(?P<b>[a-z ]+)"
    extractor = Extractor.of(None, pattern=pattern, verbatim=True)

    with pytest.raises(InvalidInputError) as caught:
        extractor.form.read("oneone", "one", nullable=False)

    assert str(caught.value) == (
        "the answer can be cut into groups in several ways, and in Python's way `a` does not occur in the "
        "document\n    at oneone\n"
        "hint: let groups that touch hold different characters, such as `[^ ]+` before a blank"
    )


def test_a_validator_that_refuses_an_answer_is_heard() -> None:
    def odd(number: int) -> int:
        if number % 2 == 0:
            raise ValueError("must be odd")
        return number

    class Answer(BaseModel):
        number: Annotated[int, AfterValidator(odd)]

    found = next(extract(None, ["number: 12"], schema=Answer))

    assert str(found.error) == (
        "the answer follows the schema, but a validator of Answer refuses its `number`: "
        "Value error, must be odd\n"
        '    at {"number": 12}\n'
        "hint: let the model try again with retries=2, or say in the type what is checked: Field(ge=...)"
    )


def test_a_pattern_of_ecma_that_python_cannot_read_is_honoured_all_the_same() -> None:
    """jsonschema, which checks again, would raise on it."""
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "pattern": r"^\p{Lu}\p{Ll}+$"}},
        "patternProperties": {r"^\p{Nd}": {}},
        "required": ["name"],
        "additionalProperties": False,
    }

    assert values(extract(None, ["Mi chiamo Élodie."], schema=schema, verbatim=True)) == [{"name": "Élodie"}]


# What goes wrong with the question.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give a pattern or a schema, and not both"),
        ({"pattern": "a", "schema": {}}, "give a pattern or a schema, and not both"),
        (
            {"pattern": "a", "nulable": True},
            "there is no option `nulable`\nhint: did you mean `nullable`?",
        ),
        (
            {"pattern": "a", "max_tokens": 0},
            "max_tokens=0 leaves no room for an answer\nhint: give at least 1",
        ),
        ({"pattern": "a", "context": 10**6}, "context=1000000 is more than the 131072 tokens of the model"),
    ],
)
def test_a_wrong_question_is_refused_before_any_document(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        extract(None, iter(()), **options)

    assert str(caught.value) == message


def test_room_for_documents_is_counted_in_tokens() -> None:
    """The numbers are the tokenizer's: what is left beside the frame of the prompt and the answer."""
    extractor = Extractor.of(None, pattern="a")
    assert extractor.size is not None
    frame = 131_072 - 512 - extractor.size
    with pytest.raises(InvalidInputError) as narrow:
        extract(None, iter(()), pattern="a", context=frame + 512 + 12)
    with pytest.raises(InvalidInputError) as overlapping:
        extract(None, iter(()), pattern="a", context=frame + 512 + 100, overlap=50)

    assert 40 < frame < 120
    assert str(narrow.value) == (
        f"a context of {frame + 524} tokens leaves 12 for a document, beside {frame} for the request and "
        "max_tokens=512 for the answer\nhint: at least 32 are needed: lower max_tokens, or raise context"
    )
    assert str(overlapping.value) == (
        "overlap=50 must be at least 0, and less than half of the 100 tokens that fit of a document"
    )


@pytest.mark.parametrize("pattern", ["(", "(?P<a>x", "a{2,1}"])
def test_a_wrong_pattern_is_refused_before_any_document(pattern: str) -> None:
    with pytest.raises(RegexError):
        extract(None, iter(()), pattern=pattern)


# Long documents.


def long_document(*facts: str) -> str:
    """Facts far apart."""
    filler = "la mattina era grigia e il fiume scorreva lento sotto i ponti della vecchia contrada. " * 6
    return filler + filler.join(facts) + filler


def small(**options: Any) -> Extractor:
    """An extractor into whose context about a hundred tokens of a document fit."""
    probe = Extractor.of(None, max_tokens=64, **options)
    assert probe.size is not None
    context = context_of(probe.loaded.model)
    assert context is not None
    return Extractor.of(None, max_tokens=64, context=context - probe.size + 100, overlap=20, **options)


@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize("verbatim", [True, False])
def test_the_first_part_that_finds_something_answers(nullable: bool, verbatim: bool) -> None:
    """Also where null is no answer: then it is none of the parts that come before."""
    text = long_document("Data: 2024-03-12.", "Data: 2025-01-01.")

    found = small(pattern=DATE, nullable=nullable, verbatim=verbatim).extract(text)

    assert found.data == {"date": "2024-03-12"}
    assert found.parts is not None
    assert found.parts.found == found.parts.read < len(found.parts.ranges)
    start, end = found.parts.ranges[found.parts.read - 1]
    assert "2024-03-12" in text[start:end]


def test_an_object_is_put_together_from_the_parts() -> None:
    text = long_document("Totale: 384,00 EUR.\n", "Cliente: Trattoria da Gino.\n", "fattura, invoice\n")

    found = small(schema=INVOICE, nullable=True, verbatim=True).extract(text)

    assert found.data == {"total": 384, "customer": "Trattoria da Gino", "kind": "invoice"}
    assert found.parts is not None
    assert isinstance(found.parts.found, dict)
    assert found.parts.found["total"] < found.parts.found["customer"]
    for name, needle in (("total", "384,00"), ("customer", "Trattoria da Gino")):
        start, end = found.parts.ranges[found.parts.found[name] - 1]

        assert needle in text[start:end]


def test_a_long_document_without_the_thing_says_that_all_was_read() -> None:
    found = small(pattern=DATE, nullable=True, verbatim=True).extract(long_document(""))

    assert found.parts is not None
    assert (found.data, found.parts.found, found.parts.read) == (None, None, len(found.parts.ranges))
    assert found.as_json()["parts"] == {
        "of": len(found.parts.ranges),
        "overlap": 20,
        "read": len(found.parts.ranges),
        "found": None,
        "ranges": [list(span) for span in found.parts.ranges],
    }


def test_a_long_document_without_the_thing_is_an_error_where_null_is_no_answer() -> None:
    found = small(pattern=DATE, verbatim=True).extract(long_document(""))

    assert str(found.error) == (
        "nothing in the document matches\n    at (?P<date>\\d{4}-\\d{2}-\\d{2})\n"
        "hint: with nullable, the answer for such a document is null"
    )


def test_what_must_not_be_null_is_answered_by_the_part_that_found_most() -> None:
    text = long_document("Cliente: Trattoria da Gino. Totale: 384,00 EUR.")

    found = small(schema=INVOICE, verbatim=True).extract(text)

    jsonschema.validate(found.data, INVOICE)
    assert (found.data["total"], found.data["customer"]) == (384, "Trattoria da Gino")


def test_a_short_document_is_not_split() -> None:
    found = small(pattern=DATE).extract("2024-03-12")

    assert "parts" not in found.as_json()


def test_a_chat_template_without_a_system_role_gets_the_instruction_from_the_user(
    random_folder: Any, tmp_path: Any
) -> None:
    """As Gemma's, which raises."""
    folder = tmp_path / "model"
    shutil.copytree(random_folder, folder)
    template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "<|im_start|>assistant\n"
    )
    for file in folder.glob("chat_template*"):
        file.unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": template}))

    extractor = Extractor.of(load(folder), pattern="[ab]", instruction="Say it.")
    prompt = extractor.loaded.tokenizer.decode(extractor._prompt("a or b", nullable=False))

    assert prompt == (
        "<|im_start|>user\nSay it.\n\na or b\n\nAnswer with text that matches this regular expression:\n[ab]"
        "<|im_end|>\n<|im_start|>assistant"
    )
