"""Which texts are internationalised host names?

A name is labels with dots between them.  A label's characters are those that RFC 5892 permits, and some of
them need a certain neighbour:

    l·l yes     a·b no          実例.テスト yes     ー・ no

Sources: RFC 5890 section 2.3.2.3; RFC 5891 section 4.2; RFC 5892 sections 2 and 3 and appendix A.  The
characters are those of Python's version of Unicode.
We depart from them where the rule is not regular, or its automaton would be too large: with rules 2 and 4
written out exactly, a first mask took seconds.
1. No A-labels, for the reason in `formats_hosts.py`.
2. Labels are measured in code points, not in octets of Punycode, and whole names are not measured.
3. A zero-width non-joiner needs a virama before it, and a Katakana middle dot a Japanese neighbour: a little
   narrower than appendices A.1 and A.7.
4. The Bidi rule of RFC 5893 and Normalization Form C are not checked.
Cost: the Unicode database is read on first use, half a second.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from constrain.json_schema import formats_hosts
from constrain.json_schema.formats_hosts import Alphabet, labels
from constrain.regular.properties import members
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term


def idn_hostname(alphabet: Alphabet) -> Term:
    """Host names of U-labels and of labels in ASCII."""
    return regex_term(_idn_hostname(), dialect="ecma", alphabet=alphabet)


def idn_email(alphabet: Alphabet) -> Term:
    """Mailboxes whose local part and host may go beyond ASCII."""
    return formats_hosts.idn_email(alphabet, idn_hostname(alphabet))


_DOTS = ".\u3002\uff0e\uff61"


@cache
def _permitted() -> str:
    """The code points that RFC 5892 calls PVALID, beyond ASCII, as the inside of a character class."""
    return _class_of(_permitted_codes())


@cache
def _starters() -> str:
    """Those of them that may begin a label: no combining marks (RFC 5891, section 4.2.3.2)."""
    return _class_of(code for code in _permitted_codes() if unicodedata.category(chr(code))[0] != "M")


@cache
def _permitted_codes() -> tuple[int, ...]:
    context_o = re.compile("[\u00b7\u0375\u05f3\u05f4\u30fb\u0660-\u0669\u06f0-\u06f9]")
    exceptions = {*"\u00df\u03c2\u06fd\u06fe\u0f0b\u3007"}
    disallowed = {*"\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b"}
    ignorable = re.compile(
        "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
    )
    jamo = re.compile("[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]")

    def is_permitted(character: str) -> bool:
        if character in exceptions:
            return True
        if unicodedata.category(character) not in {"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"}:
            return False
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
        if folded != character or character in disallowed or context_o.match(character):
            return False
        return ignorable.match(character) is None and jamo.match(character) is None

    return tuple(code for code in range(0x80, 0x110000) if is_permitted(chr(code)))


@cache
def _viramas() -> str:
    return _class_of(code for code in range(0x900, 0x12000) if unicodedata.combining(chr(code)) == 9)


def _class_of(codes: Iterable[int]) -> str:
    """Ascending code points as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)


def _permitted_of(*scripts: str) -> str:
    """The permitted code points of some scripts."""
    codes = {code for name in scripts for low, high in members(f"sc={name}") for code in range(low, high + 1)}
    return _class_of(code for code in _permitted_codes() if code in codes)


def _idn_label(digits: str) -> str:
    """One U-label; `digits` are the Arabic ones it may hold, for the two kinds may not be mixed.

    Each contextual rule of RFC 5892, appendix A, is a character together with the one that it needs.
    """
    permitted = f"A-Za-z0-9{_permitted()}{digits}"
    japanese = _permitted_of("Hira", "Kana", "Hani")
    in_context = (
        "l(?:\u00b7l)+",
        f"\u0375[{_permitted_of('Grek')}]",
        f"[{_permitted_of('Hebr')}][\u05f3\u05f4]",
        f"[{_viramas()}][\u200c\u200d]",
        f"[{japanese}]\u30fb+",
        f"\u30fb+[{japanese}]",
    )
    end = f"(?:[{permitted}]|{'|'.join(in_context)})"
    first = f"(?:[{permitted.replace(_permitted(), _starters())}]|{'|'.join(in_context)})"
    return labels(first, end, f"(?:{end}|-)")


def _idn_hostname() -> str:
    label = "(?:" + "|".join(_idn_label(digits) for digits in ("\u0660-\u0669", "\u06f0-\u06f9")) + ")"
    return rf"{label}(?:[{_DOTS}]{label})*"
