"""A process that is forked while one of its threads computes a mask can compute masks as well."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

IN_A_CHILD = """
import os, signal, threading
from constrain import Vocabulary, compile_json_schema
from constrain.regular.interning import LOCK

vocabulary = Vocabulary.from_tokens([*(bytes([byte]) for byte in range(256)), None], eos_token_ids=[256])
compiled = compile_json_schema({"type": "string"}, vocabulary)
held, over = threading.Event(), threading.Event()

def compute():
    with LOCK:  # as every new mask does
        held.set()
        over.wait()

threading.Thread(target=compute).start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(60)  # ends a child that waits for ever
    allowed = compiled.matcher().allowed_token_ids()
    compile_json_schema({"type": "boolean"}, vocabulary).matcher().allowed_token_ids()
    os._exit(0 if list(allowed) == [ord('"')] else 1)
_, status = os.waitpid(child, 0)
over.set()
print(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_does_not_wait_for_a_thread_that_it_does_not_have() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", IN_A_CHILD]  # 3.12 warns of forks
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("0\n", "")
