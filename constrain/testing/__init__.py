"""For the tests of a program: strategies for Hypothesis, and the proof kit as a function and a fixture.

    from constrain.testing import near_misses, outputs, prove

    @given(outputs(Order))                  # instances, any that a model could write
    def test_every_order_can_be_shipped(order): ship(order)

    @given(near_misses(Order))              # texts one change away, which no model can write
    def test_what_is_no_order_is_told(text): ...

    def test_the_output_always_parses(prove): prove(Order, n=500)     # the fixture

`schemas()` draws JSON Schemas, `walkers()` adversaries.  It needs the extra `constrain[testing]`.
"""

from constrain.extras import need

need("testing", "constrain.testing")

from constrain.proof.proving import Proof
from constrain.proof.walkers import WALKERS, Walker
from constrain.testing.proofs import prove, subject_of
from constrain.testing.random_schemas import schemas
from constrain.testing.strategies import near_misses, outputs, walkers

__all__ = [
    "WALKERS",
    "Proof",
    "Walker",
    "near_misses",
    "outputs",
    "prove",
    "schemas",
    "subject_of",
    "walkers",
]
