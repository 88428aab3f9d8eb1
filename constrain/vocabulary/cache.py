"""How is work on a vocabulary kept on disk, so that a damaged file can never change a mask?

One flat file holds named numpy arrays.  Reading it is one read and one hash; the arrays are views:

    magic        8 bytes     format and version: another version is another file
    checksum     32 bytes    SHA-256 of all that follows
    header size  4 bytes     little endian
    header       JSON        {"key": ..., "arrays": [[name, dtype, length], ...]}
    arrays                   one after the other, each starting at a multiple of 8

A file is believed only if magic, checksum and key are right.  The checksum is no signature, so whoever takes
the arrays looks at them as well (`Damaged`).  Anything else reads as absent, and is made again and replaced:
what is cut short, a flipped bit, a newer format, somebody else's file under our name, a folder, a link, and a
pipe or a device, which is not waited for.
Files appear whole: they are written under another name and renamed.  A folder that cannot be written
costs the next process the same work, and is not an error.

There is no pickle, so that a file from elsewhere can at worst be wrong arrays, not code.

Cost: 11 MB for Llama-3's vocabulary, 15 ms to read them and 25 to look at them; processors have
instructions for SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
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
_MAX_BYTES = 1 << 30
"""Nobody's vocabulary takes as much; a larger file is not read."""


class Damaged(Exception):
    """A file with a right checksum holds something else than what was stored."""


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
    """The arrays stored under `key`, read-only; None unless this is a whole file of ours."""
    content = _read(path)
    at = len(MAGIC) + _CHECKSUM
    if content is None or len(content) < at + 4 or content[: len(MAGIC)] != MAGIC:
        return None
    body = memoryview(content)[at:]
    if hashlib.sha256(body).digest() != content[len(MAGIC) : at]:
        return None
    header_size = int.from_bytes(body[:4], "little")
    listed = _listed(bytes(body[4 : 4 + header_size]), key)
    at += 4 + header_size
    arrays: Arrays = {}
    for name, dtype, length in listed or ():
        at += -at % 8
        if at + length * np.dtype(dtype).itemsize > len(content):
            return None
        arrays[name] = np.frombuffer(content, dtype=np.dtype(dtype), count=length, offset=at)
        at += arrays[name].nbytes
    return None if listed is None else arrays


def _read(path: Path) -> bytes | None:
    """The content of a regular file; None for what is not there, or is none."""
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            return file.read() if stat.S_ISREG(status.st_mode) and status.st_size <= _MAX_BYTES else None
    except OSError:
        return None


def _listed(header: bytes, key: str) -> list[tuple[str, str, int]] | None:
    """The name, dtype and length of each array that a header lists; None unless it is such a header."""
    try:
        content = json.loads(header)
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(content, dict)
        or content.get("key") != key
        or not isinstance(content.get("arrays"), list)
    ):
        return None
    for entry in content["arrays"]:
        match entry:
            case [str(), str() as dtype, int() as length] if dtype in _DTYPES and 0 <= length <= _MAX_BYTES:
                continue
        return None
    return [(name, dtype, length) for name, dtype, length in content["arrays"]]


def expect(arrays: Arrays, **wanted: tuple[type[np.generic], int | None]) -> None:
    """Check that there are arrays of these names, dtypes and lengths (None: any).  Raises Damaged."""
    for name, (dtype, length) in wanted.items():
        array = arrays.get(name)
        if array is None or array.dtype != dtype or length not in (None, len(array)):
            raise Damaged(f"`{name}` is not what was stored")


def check(name: str, *facts: bool | np.bool_) -> None:
    """Check what must be true of the array `name`.  Raises Damaged."""
    if not all(facts):
        raise Damaged(f"`{name}` is not what was stored")


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
    except OSError:  # also where a folder lies under this name
        Path(name).unlink(missing_ok=True)
        return False
    return True
