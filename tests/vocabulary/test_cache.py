"""The disk cache gives back what was put in, or nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from constrain.compiler import compile_regex
from constrain.vocabulary import cache as disk
from constrain.vocabulary.trie import Trie
from constrain.vocabulary.vocabulary import Vocabulary
from tests.vocabulary.toy_tokenizer import byte_level_tokenizer

Listing = Callable[[], list[Path]]
ARRAYS: disk.Arrays = {
    "byte": np.array([1, 2, 255], dtype=np.uint8),
    "wide": np.array([-1, 2**40], dtype=np.int64),
    "none": np.array([], dtype=np.int32),
    "depth": np.array([-5], dtype=np.int16),
}


def written(folder: Path) -> Path:
    path = folder / "a.bin"
    assert disk.store(path, "key", ARRAYS)
    return path


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    loaded = disk.load(written(tmp_path), "key")

    assert loaded is not None
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array, strict=True)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("cache"))


@given(data=st.data())
def test_one_flipped_bit_anywhere_is_noticed(file: Path, data: st.DataObject) -> None:
    """Magic, checksum, header, padding or array: nothing of a damaged file is used."""
    content = bytearray(file.read_bytes())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    damaged = file.with_suffix(".damaged")
    damaged.write_bytes(content)

    assert disk.load(damaged, "key") is None


def test_a_file_cut_short_anywhere_is_noticed(file: Path) -> None:
    """As a full disk or a killed process would leave it, were files not written whole."""
    content = file.read_bytes()
    damaged = file.with_suffix(".short")
    for size in range(len(content)):
        damaged.write_bytes(content[:size])
        assert disk.load(damaged, "key") is None


def test_another_version_another_key_and_no_file_are_absent(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert disk.load(file, "other") is None
    assert disk.load(file.with_suffix(".none"), "key") is None
    monkeypatch.setattr(disk, "MAGIC", b"CNSTRN\x00\xff")
    assert disk.load(file, "key") is None


def test_a_vocabulary_from_the_cache_is_the_one_built(cache: Listing) -> None:
    """Every field, and every array of the trie and the signatures; the second one comes from the file."""
    tokenizer = byte_level_tokenizer()
    built = Vocabulary.from_tokenizer(tokenizer)
    cached = Vocabulary.from_tokenizer(tokenizer)

    assert len(cache()) == 1
    assert not cached.offsets.flags.writeable, "read from the file"
    assert cached.fingerprint == built.fingerprint
    assert cached.tokens == built.tokens
    assert cached.special_token_ids == built.special_token_ids
    for field in fields(Trie):
        array = getattr(built.trie, field.name)
        np.testing.assert_array_equal(getattr(cached.trie, field.name), array, strict=True)
    for one, other in zip(built.signatures, cached.signatures, strict=True):
        assert one.spans == other.spans
        np.testing.assert_array_equal(one.of_token, other.of_token, strict=True)
        for name, array in one.to_arrays().items():
            np.testing.assert_array_equal(other.to_arrays()[name], array, strict=True)


@pytest.mark.parametrize("damage", ["cut", "flip", "version", "empty"])
def test_a_damaged_vocabulary_is_built_again_and_replaced(cache: Listing, damage: str) -> None:
    """A wrong mask would be silent; a second of work is not."""
    tokenizer = byte_level_tokenizer()
    fingerprint = Vocabulary.from_tokenizer(tokenizer).fingerprint
    (path,) = cache()
    content = path.read_bytes()
    flipped = content[:200] + bytes((content[200] ^ 4,)) + content[201:]
    version = b"x" + content[1:]
    path.write_bytes({"cut": content[:-9], "flip": flipped, "version": version, "empty": b""}[damage])

    assert Vocabulary.from_tokenizer(tokenizer).fingerprint == fingerprint
    assert path.read_bytes() == content


def test_a_changed_tokenizer_is_another_entry(cache: Listing) -> None:
    """The key is the content in memory: a token added after loading counts, and so does the width."""
    tokenizer = byte_level_tokenizer()
    Vocabulary.from_tokenizer(tokenizer)
    tokenizer.add_tokens(["<new>"])
    changed = Vocabulary.from_tokenizer(tokenizer)
    Vocabulary.from_tokenizer(tokenizer, size=400)

    assert changed.tokens[-1] == b"<new>"
    assert len(cache()) == 3


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """A file stands where the folder should be, which stops even root."""
    (tmp_path / "file").write_text("")
    vocabulary = Vocabulary.from_tokenizer(byte_level_tokenizer(), cache=tmp_path / "file")

    assert vocabulary.tokens[256] == b" a"


def test_no_cache_writes_nothing(cache: Listing) -> None:
    Vocabulary.from_tokenizer(byte_level_tokenizer(), cache=False)

    assert cache() == []


# Files with a right checksum and a wrong inside.


def sealed(content: bytes) -> bytes:
    """What would be written with this header and these arrays: the checksum is no signature."""
    return disk.MAGIC + hashlib.sha256(content).digest() + content


def with_header(header: object, rest: bytes = bytes(80)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return sealed(len(text).to_bytes(4, "little") + text + rest)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["key", "a", "<i4", "|O", "|u1"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["key", "arrays", "a"]), inner)
    ),
    max_leaves=8,
)
LISTED = st.lists(
    st.tuples(
        st.text(max_size=2) | JSON,
        st.sampled_from(["|u1", "<i4", "<i8", "|O", "zz", "<f8", ">i4", "V5", ""]) | JSON,
        st.integers(-1, 40) | st.sampled_from([2**31, 2**63, 10**30]) | JSON,
    ),
    max_size=3,
)


@given(
    header=st.fixed_dictionaries({"key": st.just("key"), "arrays": LISTED}) | JSON | st.binary(max_size=60),
    rest=st.binary(max_size=90),
    size=st.none() | st.integers(0, 2**32 - 1),
)
@example(header=b"[" * 20_000, rest=b"", size=None)
@example(header=b'{"key": "key", "arrays": [["a", "<i8", %s]]}' % (b"1" * 5_000), rest=b"", size=None)
def test_a_sealed_file_is_arrays_or_absent(tmp_path_factory, header, rest, size) -> None:  # type: ignore[no-untyped-def]
    """Whoever can write the folder can seal anything; at worst it is wrong arrays."""
    content = with_header(header, rest)
    if size is not None:
        content = sealed(size.to_bytes(4, "little") + content[44:])
    path = tmp_path_factory.getbasetemp() / "sealed.bin"
    path.write_bytes(content)

    found = disk.load(path, "key")

    assert found is None or all(str(array.dtype.str) in disk._DTYPES for array in found.values())


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link(path: Path) -> None:
    path.symlink_to(path.with_suffix(".bin.elsewhere"))


@pytest.mark.parametrize("put", [a_pipe, a_device, a_folder, a_link])
def test_what_is_no_file_is_absent_and_not_waited_for(cache: Listing, put: Callable[[Path], None]) -> None:
    """A pipe without a writer would be waited for, and a device read, for ever."""
    tokenizer = byte_level_tokenizer()
    fingerprint = Vocabulary.from_tokenizer(tokenizer).fingerprint
    (path,) = cache()
    path.rename(path.with_suffix(".bin.elsewhere"))
    put(path)

    assert disk.load(path, "key") is None
    assert Vocabulary.from_tokenizer(tokenizer).fingerprint == fingerprint
    assert path.is_dir() or (path.is_file() and not path.is_symlink())


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, disk.Arrays]:
    """The file of the toy tokenizer's vocabulary, its key, and its arrays."""
    folder = tmp_path_factory.mktemp("stored")
    vocabulary = Vocabulary.from_tokenizer(byte_level_tokenizer(), cache=folder)
    (path,) = (folder / "vocabulary").iterdir()
    return path, path.stem, vocabulary._to_arrays()


def changed(data: st.DataObject, array: npt.NDArray[Any], others: disk.Arrays) -> npt.NDArray[Any] | None:
    """The array with something wrong, or none."""
    limits, place = np.iinfo(array.dtype), data.draw(st.integers(0, len(array) - 1))
    match data.draw(st.sampled_from(["item", "cut", "more", "kind", "gone", "reversed", "another"])):
        case "item":
            new = array.copy()
            near = st.integers(max(-2, limits.min), min(len(array) + 2, limits.max))
            new[place] = data.draw(near | st.sampled_from([limits.min, limits.max]))
            return new
        case "cut":
            return array[:place]
        case "more":
            return np.concatenate([array, array[:1]])
        case "kind":
            return array.astype(np.int16)
        case "gone":
            return None
        case "reversed":
            return array[::-1]
        case _:
            return others[data.draw(st.sampled_from(sorted(others)))]


@settings(max_examples=300)
@given(data=st.data())
def test_wrong_arrays_under_a_right_checksum_give_no_errors(
    stored: tuple[Path, str, disk.Arrays], data: st.DataObject
) -> None:
    """Arrays that do not fit together are made again; others are some vocabulary's, if not this one's."""
    path, key, arrays = stored
    name = data.draw(st.sampled_from(sorted(arrays)))
    new = changed(data, arrays[name], arrays)
    kept = {other: array for other, array in arrays.items() if other != name}
    assert disk.store(path, key, kept if new is None else {**kept, name: new})

    vocabulary = Vocabulary.from_tokenizer(byte_level_tokenizer(), cache=path.parent.parent)

    for pattern in ("[a-z]{1,3}", '"[^"]*"', "(?!ab)[^x]+"):
        matcher = compile_regex(pattern, vocabulary).matcher()
        for token in matcher.allowed_token_ids()[:5]:
            assert matcher.fork().accept_token(int(token))


@given(name=st.sampled_from(["parent", "start", "first", "last", "own", "byte", "1.of_node", "1.above"]))
def test_a_trie_that_does_not_fit_together_is_made_again(
    stored: tuple[Path, str, disk.Arrays], name: str
) -> None:
    path, key, arrays = stored
    assert disk.store(path, key, {**arrays, name: np.roll(arrays[name], 1)})

    vocabulary = Vocabulary.from_tokenizer(byte_level_tokenizer(), cache=path.parent.parent)

    assert vocabulary._to_arrays().keys() == arrays.keys()
    for other, array in vocabulary._to_arrays().items():
        np.testing.assert_array_equal(array, arrays[other])
