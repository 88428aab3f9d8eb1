"""mlx-lm's own server with `examples/mlx_server.py`, in this process: for tests and measurements.

    with serving(model) as post:
        status, answer = post("/v1/completions", prompt="Hello", response_format=...)

The model is one that is there.  The server has a free port, threads and batches like any other of mlx-lm's,
and is stopped in the end.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any
from unittest.mock import patch

from mlx_lm import server

from constrain import LoadedModel
from examples import mlx_server

Post = Callable[..., tuple[int, Any]]
PATCHED = ("ModelProvider", "ResponseGenerator", "_make_logits_processors", "_run_http_server")
"""What the example puts its own in the place of; it is put back in the end."""
START = 60
"""Seconds: a server that has not opened its socket by then has failed."""


@contextmanager
def serving(model: LoadedModel) -> Iterator[Post]:
    """What sends a request: a path and the fields of its body in, a status and the answer's data out."""
    opened: Queue[Any] = Queue()

    class Server(ThreadingHTTPServer):
        def serve_forever(self, poll_interval: float = 0.01) -> None:
            opened.put(self)
            super().serve_forever(poll_interval)

    class Generator(mlx_server.Generator):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            opened.put(self)

    with ExitStack() as stack:
        for name in PATCHED:
            stack.enter_context(patch.object(server, name, getattr(server, name)))
        defaults = (Server, server.APIHandler)
        stack.enter_context(patch.object(server._run_http_server, "__defaults__", defaults))
        stack.enter_context(patch.object(mlx_server, "Generator", Generator))
        stack.enter_context(patch.object(mlx_server.Handler, "log_message", lambda *_: None))
        stack.enter_context(patch.object(mlx_server, "load", lambda *_, **__: model))
        stack.enter_context(patch.object(sys, "argv", ["mlx_server", "--port", "0", "--log-level", "ERROR"]))
        running = Thread(target=mlx_server.main, daemon=True)
        running.start()
        generator = opened.get(timeout=START)
        http = opened.get(timeout=START)

        def post(path: str, **body: Any) -> tuple[int, Any]:
            url = f"http://127.0.0.1:{http.server_address[1]}{path}"
            request = urllib.request.Request(url, json.dumps(body).encode())
            try:
                with urllib.request.urlopen(request) as response:
                    return response.status, json.load(response)
            except urllib.error.HTTPError as problem:
                return problem.code, json.load(problem)

        try:
            yield post
        finally:
            http.shutdown()
            http.server_close()
            generator.stop_and_join()
            running.join()


def asking(schema: object) -> dict[str, Any]:
    """A `response_format` as OpenAI's clients send it."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
