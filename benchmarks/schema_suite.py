"""The official JSON-Schema-Test-Suite through masks: is a text allowed to the end exactly when it is valid?

    python -m benchmarks.schema_suite --suite FOLDER

FOLDER is a checkout of the suite, with `tests/` and `remotes/`.  Every required case of five drafts is
written byte by byte: each byte must be in the mask, and at the end an end-of-sequence token must be.
Options: any spelling, order and whitespace, and formats as annotations, as the suite's required cases assume.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from constrain.compiler import compile_json_schema
from constrain.errors import ConstrainError, UnsatisfiableError
from constrain.vocabulary.bitmask import allocate_token_bitmask, is_set
from constrain.vocabulary.vocabulary import Vocabulary

DRAFTS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}
OPTIONS = {"spelling": "any", "property_order": "any", "whitespace": "any", "formats": "annotate"}
END = 256
VOCABULARY = Vocabulary.from_tokens([*(bytes((b,)) for b in range(256)), None], eos_token_ids=(END,))


def judge(compiled: Any, text: bytes) -> bool:
    """Does the mask let `text` through to its end?"""
    matcher = compiled.matcher()
    bitmask = allocate_token_bitmask(1, VOCABULARY.size)
    for token in [*text, END]:
        matcher.fill_next_token_bitmask(bitmask)
        if not is_set(bitmask[0], token):
            return False
        matcher.accept_token(token)
    return True


def main() -> None:
    """Judge every required case and print what is right, by draft."""
    parser = argparse.ArgumentParser(description="the official suite through masks")
    parser.add_argument("--suite", type=Path, required=True)
    suite = parser.parse_args().suite
    remotes = suite / "remotes"
    registry = {
        f"http://localhost:1234/{path.relative_to(remotes).as_posix()}": json.loads(path.read_text("utf-8"))
        for path in sorted(remotes.rglob("*.json"))
    }
    for draft, uri in DRAFTS.items():
        right = total = 0
        for path in sorted((suite / "tests" / draft).glob("*.json")):
            for group in json.loads(path.read_text("utf-8")):
                schema = group["schema"]
                if isinstance(schema, dict):
                    schema = {"$schema": uri, **schema}
                try:
                    compiled = compile_json_schema(schema, VOCABULARY, registry=registry, **OPTIONS)
                except UnsatisfiableError:
                    compiled = None
                except ConstrainError as problem:
                    print(f"refused: {draft}/{path.name}: {group['description']}: {problem.what}")
                    total += len(group["tests"])
                    continue
                for case in group["tests"]:
                    total += 1
                    text = json.dumps(case["data"], ensure_ascii=False).encode()
                    verdict = compiled is not None and judge(compiled, text)
                    right += verdict == case["valid"]
                    if verdict != case["valid"]:
                        print(f"wrong: {draft}/{path.name}: {group['description']}: {case['description']}")
        print(f"{draft}: {right} of {total} required cases right")


if __name__ == "__main__":
    main()
