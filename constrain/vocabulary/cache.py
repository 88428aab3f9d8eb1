"""How is work on a vocabulary kept on disk, so that a damaged file can never change a mask?

One flat file holds named numpy arrays.  Reading it is one read and one hash; the arrays are views:

    magic        8 bytes     format and version: another version is another file
    checksum     32 bytes    SHA-256 of all that follows
    header size  4 bytes     little endian
    header       JSON        {"key": ..., "arrays": [[name, dtype, length], ...]}
    arrays                   one after the other, each starting at a multiple of 8

A file is believed only if magic, checksum and key are right.  Anything else (cut short, a flipped bit, a
newer format, somebody else's file under our name) reads as absent, and is made again and replaced.
Files appear whole: they are written under another name and renamed.  A folder that cannot be written
costs the next process the same work, and is not an error.

There is no pickle, so that a file from elsewhere can at worst be wrong arrays, not code.

Cost: 11 MB for Llama-3's vocabulary, 15 ms to read them; processors have instructions for SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from platformdirs import user_cache_path

Arrays = dict[str, npt.NDArray[Any]]

MAGIC = b"CNSTRN\x00\x04"
_CHECKSUM = 32
_DTYPES = ("|u1", "<i2", "<i4", "<i8")


def cache_folder() -> Path:
    """The folder of CONSTRAIN_CACHE_DIR if that is set, or the user's cache folder for this package."""
    chosen = os.environ.get("CONSTRAIN_CACHE_DIR")
    return Path(chosen) if chosen else user_cache_path("constrain", appauthor=False)


def store(path: Path, key: str, arrays: Arrays) -> bool:
    """Write `arrays` under `key`; False if the folder cannot be written, which is no error."""
    listed = [[name, array.dtype.newbyteorder("<").str, len(array)] for name, array in arrays.items()]
    header = json.dumps({"key": key, "arrays": listed}).encode()
    body = bytearray(len(header).to_bytes(4, "little") + header)
    for _, dtype, _ in listed:
        if dtype not in _DTYPES:
            raise TypeError(f"cannot store arrays of dtype {dtype}")
    for array in arrays.values():
        body += bytes(-(len(MAGIC) + _CHECKSUM + len(body)) % 8)
        body += np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    checksum = hashlib.sha256(body).digest()
    return write_whole(path, MAGIC + checksum + body)


def load(path: Path, key: str) -> Arrays | None:
    """The arrays stored under `key`, read-only; None unless the file is exactly what was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    at = len(MAGIC) + _CHECKSUM
    if len(content) < at + 4 or content[: len(MAGIC)] != MAGIC:
        return None
    body = memoryview(content)[at:]
    if hashlib.sha256(body).digest() != content[len(MAGIC) : at]:
        return None
    header_size = int.from_bytes(body[:4], "little")
    header = json.loads(bytes(body[4 : 4 + header_size]))
    if header["key"] != key:
        return None
    at += 4 + header_size
    arrays: Arrays = {}
    for name, dtype, length in header["arrays"]:
        at += -at % 8
        array = np.frombuffer(content, dtype=np.dtype(dtype), count=length, offset=at)
        at += array.nbytes
        arrays[name] = array
    return arrays


def group(arrays: Arrays, name: str) -> Arrays:
    """The arrays named `name.something`, by something.

    >>> group({"a.x": np.arange(2), "b.x": np.arange(3)}, "b")
    {'x': array([0, 1, 2])}
    """
    return {
        key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")
    }


def write_whole(path: Path, content: bytes) -> bool:
    """Write a file so that it appears complete or not at all; False if the folder cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        return False
    return True
