"""The fixture `prove` for pytest, there wherever `constrain[testing]` is installed.

    def test_the_output_always_parses(prove):
        prove(Order)

It fails with the smallest case it found.  `--prove-n 10000` writes more outputs than a test asks for,
`--prove-seed 7` others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from constrain.proof.proving import Proof


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command line."""
    group = parser.getgroup("constrain")
    group.addoption("--prove-n", type=int, default=None, help="how many outputs the fixture `prove` writes")
    group.addoption("--prove-seed", type=int, default=0, help="the seed of the fixture `prove`")


@pytest.fixture
def prove(request: pytest.FixtureRequest) -> Callable[..., Proof]:
    """`constrain.testing.prove`, which fails the test where a law is broken."""
    more = request.config.getoption("--prove-n")
    seed = request.config.getoption("--prove-seed")

    def proved(target: object, **options: Any) -> Proof:
        from constrain.testing.proofs import prove as prove_target

        chosen = {"seed": seed, **options} | ({} if more is None else {"n": more})
        proof = prove_target(target, **chosen)
        if not proof.good:
            pytest.fail(str(proof), pytrace=False)
        return proof

    return proved
