"""Sets of texts that share what they had."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from constrain.text_set import NO_TEXTS, TextSet

TEXTS = st.lists(st.binary(min_size=1, max_size=3), max_size=300)


def of(texts: list[bytes]) -> TextSet:
    found = NO_TEXTS
    for text in texts:
        found = found.plus(text)
    return found


@given(TEXTS, TEXTS)
def test_holds_what_a_set_of_the_same_texts_holds(texts: list[bytes], others: list[bytes]) -> None:
    found = of(texts)

    assert set(found) == set(texts)
    assert found.size == len(set(texts))
    assert [text in found for text in others] == [text in set(texts) for text in others]
    assert found.last == sum(1 << byte for byte in {text[-1] for text in texts})
    assert found.before_last == sum(1 << byte for byte in {text[-2] for text in texts if len(text) > 1})


@given(TEXTS, st.randoms(use_true_random=False), TEXTS)
def test_is_equal_to_one_made_in_another_order(
    texts: list[bytes], random: object, others: list[bytes]
) -> None:
    shuffled = list(texts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert of(texts) == of(shuffled)
    assert hash(of(texts)) == hash(of(shuffled))
    assert (of(texts) == of(others)) == (set(texts) == set(others))


@given(TEXTS, st.binary(min_size=1, max_size=3))
def test_is_not_changed_by_one_made_from_it(texts: list[bytes], text: bytes) -> None:
    found = of(texts)
    found.plus(text)

    assert set(found) == set(texts)
