"""Which texts are internationalised host names?

A name is labels with dots between them.  A label's characters are those that RFC 5892 permits, some of them
need a certain neighbour, and letters written from the right keep to themselves (the Bidi rule, RFC 5893):

    l·l yes     a·b no          実例.テスト yes     ー・ yes     ・ no          אב1 yes     אבa no     1אב no

Each rule is a small language over the characters of one label, and a label is in all of them:

1. what stands where: a middle dot between two l, a Greek numeral sign before Greek, Hebrew punctuation behind
   Hebrew, a zero-width joiner behind a virama, a non-joiner there too or between letters that join;
2. a Katakana middle dot only beside a Japanese character, anywhere in the label;
3. no combining mark first, no hyphen at either end, nor in both places 3 and 4;
4. a label with a letter or digit from the right begins with such a letter, has no letter from the left, ends
   in a letter or digit (marks may follow), and has digits of one kind; beside it in a name are no labels that
   begin with a digit;
5. at most 37 bytes as they are written: octets of UTF-8, or more where a character is escaped.

Labels in ASCII are as in any host name, in capital letters too.

A label may have 63 octets in Punycode, and a name 253, and what Punycode makes of a label takes arithmetic.
But 37 octets of UTF-8 never make more than 62 of Punycode (`xn--` included), and four labels with their dots
not more than 251; for the domain of a mailbox, which may have 189, three labels not more than 188.

Sources: RFC 5890 section 2.3.2.3; RFC 5891 section 4.2; RFC 5892 appendix A; RFC 5893 section 2.  Which
characters are permitted is the table of the `idna` package, and it is the oracle of the tests; directions
and marks are those of `properties.py`.  We depart from them where a rule is not regular, or its automaton
would be too large:
1. No A-labels, for the reason in `formats_hosts.py`.
2. Labels beyond ASCII are shorter than they might be, and names with one have at most four labels, in ASCII
   of at most 62 octets.  Names in ASCII alone are as long as any host name.
3. Beside a label from the right in a name are only such labels, and labels in ASCII.
4. Normalization Form C is not checked: which mark makes another letter of the last one is a state for each.
Cost: the tables are read on first use, in some milliseconds.
"""

from __future__ import annotations

from idna import idnadata

from constrain.json_schema import formats_hosts
from constrain.json_schema.formats_hosts import Alphabet
from constrain.regular.charset import inverse, meet, union
from constrain.regular.properties import CharSet, members
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, byte_range, choice, concat, intersect, optional, repeat, star

U_LABEL_BYTES = 37
"""So many octets of UTF-8 make at most `A_LABEL_LENGTH` in Punycode, whatever they say; 38 can make 64.

`python -m tests.json_schema.punycode_bound` finds the longest for each number of octets.
"""
A_LABEL_LENGTH = 62


def idn_hostname(alphabet: Alphabet) -> Term:
    """Host names of U-labels and of labels in ASCII."""
    names = _names(alphabet, DOTS, formats_hosts.NAME_LENGTH)
    return choice(names, formats_hosts.hostname(alphabet))


def idn_email(alphabet: Alphabet) -> Term:
    """Mailboxes whose local part and host may go beyond ASCII."""
    names = _names(alphabet, _of("."), formats_hosts.DOMAIN_LENGTH)
    return formats_hosts.idn_email(alphabet, names)


def _names(alphabet: Alphabet, dots: CharSet, octets: int) -> Term:
    """Names of so few labels that they have not more than `octets` in Punycode."""
    labels = _Labels(alphabet)
    in_ascii = regex_term(formats_hosts.ascii_label(A_LABEL_LENGTH), dialect="ecma", alphabet=alphabet)
    letter_first = concat(regex_term("[A-Za-z]", dialect="ecma", alphabet=alphabet), star(labels.any))
    most = (octets + 1) // (A_LABEL_LENGTH + 1)
    ways = []
    for label in (
        choice(labels.from_left(), in_ascii),
        choice(labels.from_right(), intersect(in_ascii, letter_first)),
    ):
        ways.append(concat(label, repeat(concat(alphabet(dots), label), 0, most - 1)))
    return choice(*ways)


def _of(characters: str) -> CharSet:
    return union(*[((ord(character), ord(character)),) for character in characters])


def _unpacked(packed: tuple[int, ...]) -> CharSet:
    """The ranges of a table of `idna`, which has the first and what follows the last in one number."""
    return tuple((pair >> 32, (pair & 0xFFFFFFFF) - 1) for pair in packed)


def permitted() -> CharSet:
    """The code points that RFC 5892 calls PVALID."""
    return _unpacked(idnadata.codepoint_classes["PVALID"])


DOTS = _of(".\u3002\uff0e\uff61")
_HYPHEN, _KATAKANA_DOT = _of("-"), _of("\u30fb")
_CONTEXTUAL_DIGITS: dict[str, CharSet] = {"AN": ((0x660, 0x669),), "EN": ((0x6F0, 0x6F9),)}
"""Arabic digits and extended ones may not be mixed; their directions differ, so rule 4 says it."""
_BESIDE_RIGHT = ("R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM")


def from_right() -> CharSet:
    """The characters that make a label one from the right."""
    return union(*(members(f"bc={name}") for name in ("R", "AL", "AN")))


class _Labels:
    """The rules for one label, each as a term."""

    def __init__(self, alphabet: Alphabet) -> None:
        self.one = alphabet
        self.any = alphabet(inverse(DOTS))
        self._short = repeat(byte_range(0x00, 0xFF), 1, U_LABEL_BYTES)

    def from_left(self) -> Term:
        """Labels without letters or digits from the right."""
        characters = union(meet(permitted(), inverse(from_right())), _CONTEXTUAL_DIGITS["EN"])
        japanese = meet(characters, union(*(members(f"sc={name}") for name in ("Hira", "Kana", "Hani"))))
        seen = concat(self.one(japanese), star(self.any))
        awaited = concat(self.one(_KATAKANA_DOT), self._without(japanese), seen)
        return intersect(
            self._in_context(union(characters, _KATAKANA_DOT)),
            concat(self._without(union(_KATAKANA_DOT, japanese)), optional(choice(seen, awaited))),
            self._hyphens(inverse(union(members("gc=M"), DOTS, _HYPHEN))),
            self._short,
        )

    def from_right(self) -> Term:
        """Labels that begin with a letter from the right."""
        characters = meet(permitted(), union(*(members(f"bc={name}") for name in _BESIDE_RIGHT)))
        letters = union(members("bc=R"), members("bc=AL"))
        first, second = (
            union(meet(characters, members(f"bc={kind}")), _CONTEXTUAL_DIGITS[kind]) for kind in ("EN", "AN")
        )
        ends, marks = self.one(union(letters, first, second)), star(self.one(members("bc=NSM")))
        return intersect(
            self._in_context(union(characters, first, second)),
            concat(
                self._without(union(first, second)),
                optional(
                    choice(
                        concat(self.one(first), self._without(second)),
                        concat(self.one(second), self._without(first)),
                    )
                ),
            ),
            concat(star(self.any), ends, marks),
            self._hyphens(meet(letters, inverse(members("gc=M")))),
            self._short,
        )

    def _without(self, charset: CharSet) -> Term:
        """Texts that have none of these characters."""
        return star(self.one(inverse(union(charset, DOTS))))

    def _in_context(self, characters: CharSet) -> Term:
        """Texts of some characters, and of contextual ones where they may stand."""
        one = self.one

        def those(charset: CharSet) -> Term:
            return one(meet(characters, charset))

        joins = {name: _unpacked(table) for name, table in idnadata.joining_types.items()}
        through = star(those(joins["T"]))
        between = concat(through, one(_of("\u200c")), through)
        joined = concat(
            those(union(joins["L"], joins["D"])),
            star(concat(between, those(joins["D"]))),
            between,
            those(union(joins["R"], joins["D"])),
        )
        return star(
            choice(
                one(characters),
                concat(those(_of("l")), repeat(concat(one(_of("\u00b7")), those(_of("l"))), 1, None)),
                concat(repeat(one(_of("\u0375")), 1, None), those(members("sc=Grek"))),
                concat(those(members("sc=Hebr")), repeat(one(_of("\u05f3\u05f4")), 1, None)),
                concat(those(members("ccc=9")), one(_of("\u200c\u200d"))),
                joined,
            )
        )

    def _hyphens(self, first: CharSet) -> Term:
        """One of some characters first, no hyphen at the end, nor in both places 3 and 4."""
        other = self.one(meet(inverse(DOTS), inverse(_HYPHEN)))
        hyphen, rest = self.one(_HYPHEN), optional(concat(star(self.any), other))
        behind = choice(concat(other, rest), concat(hyphen, other, rest))
        return concat(self.one(first), optional(choice(other, concat(self.any, behind))))
