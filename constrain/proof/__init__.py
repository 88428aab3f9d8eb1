"""Does the output always parse?  Adversaries write it, and judges who share no code with the masks read it.

    walkers.py      who writes: models that nobody would train
    mutations.py    data one change away from what conforms
    judges.py       who reads: validators, parsers, Pydantic
    subject.py      what is proved: a grammar and its judges
    laws.py         what is promised, and the cases that break it
    proving.py      generations, each checked against every law
    shrinking.py    the fewest tokens that still break one
    small.py        a vocabulary that needs no tokenizer

`constrain prove` is the command, `constrain.testing` the same for the tests of a program.
"""
