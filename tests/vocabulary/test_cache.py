"""The disk cache gives back what was put in, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
