"""The official JSON-Schema-Test-Suite: where do its cases come from, and what do masks make of each?

The suite is a folder of JSON files, one per keyword, draft and format:

    tests/draft7/const.json                   required: every implementation must agree
    tests/draft7/optional/format/email.json   optional: what a draft leaves to the implementation
    remotes/...                               documents that schemas refer to at http://localhost:1234/

A case is a schema, a text and a verdict.  It is judged by writing the text byte by byte: each byte must be in
the mask, and at the end an end-of-sequence token must be.  Any spelling, order and whitespace is allowed, so
the masks' verdict is the schema's.  Formats are annotations in required cases and assertions in optional
ones, as the suite's README asks.

We keep no copy of the suite.  The source distribution of the package `jsonschema` carries one; pip brings it
from whatever index the machine is set up for and checks its hash, and it stays, still packed, in the cache
folder.  Its hash is checked again at each reading, so a damaged archive is an absent one.

Cost: 5 s and 370 kB to fetch, 0.1 s to read, 20 s to judge the 6,000 cases.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

from constrain.compiler import compile_json_schema
from constrain.errors import ConstrainError, UnsatisfiableError
from constrain.matcher import CompiledGrammar
from constrain.vocabulary.bitmask import allocate_token_bitmask, is_set
from constrain.vocabulary.cache import cache_folder, write_whole
from constrain.vocabulary.vocabulary import Vocabulary

RELEASE = "jsonschema==4.26.0"
SHA256 = "0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326"
DRAFTS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
REMOTES = "http://localhost:1234/"
OPTIONS = {"spelling": "any", "property_order": "any", "whitespace": "any"}
END = 256
VOCABULARY = Vocabulary.from_tokens([*(bytes((b,)) for b in range(256)), None], eos_token_ids=(END,))

RIGHT = "right"
REFUSED = "refused: "
REFUSED_VALID = "wrong: refused valid"
ACCEPTED_INVALID = "wrong: accepted invalid"


class SuiteUnavailable(Exception):
    """The suite is not in the cache, and pip could not bring it; the message says why."""


@dataclass(frozen=True)
class Suite:
    """The cases of five drafts by file (`draft7/const.json`), and the remote documents by URI."""

    groups: dict[str, list[dict[str, Any]]]
    registry: dict[str, Any]

    @classmethod
    def from_folder(cls, folder: Path) -> Suite:
        """Read a checkout: the folder that holds `tests/` and `remotes/`."""
        paths = [*folder.glob("tests/**/*.json"), *folder.glob("remotes/**/*.json")]
        return cls._from_files({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})

    @classmethod
    def from_release(cls) -> Suite:
        """Read the pinned release, fetched when the cache does not hold it.  Raises SuiteUnavailable."""
        files = {}
        with tarfile.open(fileobj=BytesIO(_archive())) as archive:
            for member in archive:
                _, _, path = member.name.partition("/json/")
                if member.isfile() and path.startswith(("tests/", "remotes/")) and path.endswith(".json"):
                    content = archive.extractfile(member)
                    assert content is not None
                    files[path] = content.read()
        return cls._from_files(files)

    @classmethod
    def _from_files(cls, files: dict[str, bytes]) -> Suite:
        groups, registry = {}, {}
        for path, content in sorted(files.items()):
            top, _, rest = path.partition("/")
            if top == "remotes":
                registry[REMOTES + rest] = _read(content)
            elif rest.partition("/")[0] in DRAFTS:
                groups[rest] = _read(content)
        return cls(groups, registry)

    def outcomes(self) -> Iterator[tuple[str, str, str]]:
        """Judge every case: its file, its name, and what came of it (RIGHT, ...)."""
        for file, groups in self.groups.items():
            seen: dict[str, int] = {}
            for group in groups:
                for case, outcome in self._judge_group(file, group):
                    name = f"{group['description']}: {case}"
                    seen[name] = seen.get(name, 0) + 1
                    yield file, name if seen[name] == 1 else f"{name} ({seen[name]})", outcome

    def _judge_group(self, file: str, group: dict[str, Any]) -> Iterator[tuple[str, str]]:
        schema = group["schema"]
        if isinstance(schema, dict):
            schema = {"$schema": DRAFTS[file.partition("/")[0]], **schema}
        formats = "annotate" if is_required(file) else "assert"
        compiled: CompiledGrammar | None = None
        refused = ""
        try:
            compiled = compile_json_schema(
                schema, VOCABULARY, registry=self.registry, formats=formats, **OPTIONS
            )
        except UnsatisfiableError:
            pass  # nothing is valid, and nothing is allowed
        except ConstrainError as problem:
            refused = f"{REFUSED}{type(problem).__name__}: {problem.what}"
        for case in group["tests"]:
            allowed = compiled is not None and allows(compiled, _written(case["data"]).encode())
            if refused or allowed == case["valid"]:
                yield case["description"], refused or RIGHT
            else:
                yield case["description"], ACCEPTED_INVALID if allowed else REFUSED_VALID


def is_required(file: str) -> bool:
    """Is this a file of cases that every implementation must agree with?"""
    return "/optional/" not in file


def allows(compiled: CompiledGrammar, text: bytes) -> bool:
    """Does the mask let `text` through to its end?"""
    matcher = compiled.matcher()
    bitmask = allocate_token_bitmask(1, VOCABULARY.size)
    for token in [*text, END]:
        matcher.fill_next_token_bitmask(bitmask)
        if not is_set(bitmask[0], token):
            return False
        matcher.accept_token(token)
    return True


def _read(content: bytes) -> Any:
    """Numbers are read exactly: some cases differ from each other beyond a float's precision."""
    return json.loads(content, parse_float=Decimal)


def _written(value: Any) -> str:
    """What `json.dumps` writes, with the digits of a Decimal as they were read."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(key)}: {_written(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _archive() -> bytes:
    """The source distribution, from the cache or from pip."""
    path = cache_folder() / f"{RELEASE.replace('==', '-')}.tar.gz"
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != SHA256:
        content = _fetched()
        write_whole(path, content)
    return content


def _fetched() -> bytes:
    """Let pip bring the source distribution; it refuses one whose hash is not ours."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{RELEASE} --hash=sha256:{SHA256}\n", "utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=jsonschema"]
        command += ["--require-hashes", "--retries=1", "--dest", folder, "--requirement", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for path in Path(folder).glob("*.tar.gz"):
            return path.read_bytes()
    raise SuiteUnavailable(f"pip cannot bring the source of {RELEASE}: {done.stderr.strip()[-400:]}")
