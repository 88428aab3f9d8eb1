"""The fixture `prove`, as a program's own tests have it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = """
from constrain.proof.judges import Judge
from constrain.proof.small import small_vocabulary
from constrain.proof.subject import Subject, pattern_subject

def test_all_is_well(prove):
    assert prove({"type": "integer"}, n=9).outputs.total() == 9

def test_a_fault_is_told(prove):
    plain = pattern_subject("[ab]{1,9}", small_vocabulary())
    prove(Subject("letters", plain.compiled, [Judge("no b", lambda text: "a b" if "b" in text else None)]))
"""


def run(folder: Path, *options: str) -> str:
    """What pytest prints in a folder of its own."""
    (folder / "test_it.py").write_text(TESTS, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout


def test_the_fixture_fails_with_the_smallest_case(tmp_path: Path) -> None:
    said = run(tmp_path)

    assert "1 failed, 1 passed" in said
    assert "letters: sound: no b: a b" in said
    assert "1 tokens, written by" in said
    assert "b'b'" in said


def test_the_command_line_says_how_many(tmp_path: Path) -> None:
    said = run(tmp_path, "--prove-n", "12")

    assert "assert 12 == 9" in said
