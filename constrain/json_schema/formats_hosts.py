"""Which texts name a host or a mailbox?

Four languages: addresses of version 4 and 6, host names, and mailboxes.  Names beyond ASCII are in
`formats_idn.py`.

    www.example.com yes     a_b no     ab--cd no     xn--bcher-kva no (departure 1)     a..b no

Lengths are counted, by intersection with texts that are short enough: a label has at most 63 octets, a host
name 253, and the local part of a mailbox 64.  A whole mailbox has at most 254 (a path of 256, without its
angle brackets), for its domain has at most the 189 that are left beside the longest local part.

Sources: RFC 2673 section 3.2; RFC 4291 section 2.2; RFC 1123 section 2.1, with RFC 5891 section 4.2.3.1 for
hyphens; RFC 5321 section 4.1.2, with section 4.5.3.1 for the lengths; RFC 6531 section 3.3.
We depart from them in three ways:
1. A host name has no A-label (`xn--...`).  Its Punycode would have to decode to a valid U-label, which takes
   arithmetic on all that came before: no two beginnings of an A-label are followed by the same texts, so an
   automaton for them has a state for each beginning.  Punycode that nobody checked would be a promise
   broken, so there is none.  The mailboxes of RFC 5321, and `hostname` before draft 7, know nothing of
   Punycode, and have these labels as they have any other.
2. Of address literals there are the two kinds that exist, IPv4 and `IPv6:`; others would need a standard.
3. A domain of 190 to 253 octets has no mailboxes, not even short ones: one counter for the whole mailbox, in
   step with those of local part and label, made a mask three times as dear.
4. A local part that may go beyond ASCII is measured in bytes as they are written.  These are its octets, but
   an escape like `\\"` has more; then it is shorter than it might be.
Cost: a few milliseconds; as a label counts its characters, a state of its own for each length.
"""

from __future__ import annotations

from collections.abc import Callable

from constrain.regular.charset import inverse, meet
from constrain.regular.syntax import regex_term
from constrain.regular.terms import Term, byte_range, choice, concat, intersect, repeat
from constrain.regular.utf8 import ALL_CODEPOINTS, CharSet

Alphabet = Callable[[CharSet], Term]

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"


def ipv6(left_out: int = 1) -> str:
    """A pattern for an address of version 6, where `::` stands for at least `left_out` groups."""
    group = "[0-9A-Fa-f]{1,4}"
    tail = f"(?:{group}:{group}|{IPV4})"
    forms = [f"(?:{group}:){{6}}{tail}"]
    ends = [
        ("", 0),
        (group, 1),
        *((f"(?:{group}:){{{after}}}{tail}", after + 2) for after in range(7 - left_out)),
    ]
    for end, groups in ends:
        most = 8 - left_out - groups
        before = f"(?:(?:{group}:){{0,{most - 1}}}{group})?" if most else ""
        forms.append(f"{before}::{end}")
    return "(?:" + "|".join(forms) + ")"


_LET_DIG, _LDH = "[A-Za-z0-9]", "[A-Za-z0-9-]"
_PLAIN_LABEL = f"(?:{_LET_DIG}(?:{_LDH}{{0,61}}{_LET_DIG})?)"
NAME_LENGTH = 253
MAILBOX_LENGTH = 254
_LOCAL_PART_LENGTH = 64
DOMAIN_LENGTH = MAILBOX_LENGTH - _LOCAL_PART_LENGTH - len("@")
_AT: CharSet = ((ord("@"), ord("@")),)
_ATEXT = "A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_BEYOND_ASCII = "\u0080-\ud7ff\ue000-\U0010ffff"


def labels(first: str, end: str, inner: str, most: int = 63) -> str:
    """A label of at most so many characters: hyphens are inside, and not in both places 3 and 4."""
    return (
        f"(?:{first}(?:{inner}?{end})?|{first}{inner}{end}{inner}{{0,{most - 4}}}{end}"
        f"|{first}{inner}-{end}(?:{inner}{{0,{most - 5}}}{end})?)"
    )


def ascii_label(most: int = 63) -> str:
    """A pattern for a label of at most so many characters, without A-labels."""
    return labels(_LET_DIG, _LET_DIG, _LDH, most)


def hostname(alphabet: Alphabet) -> Term:
    """Host names without A-labels."""
    return _names(ascii_label(), alphabet)


def plain_hostname(alphabet: Alphabet) -> Term:
    """Host names as before internationalised ones: hyphens may be anywhere inside a label."""
    return _names(_PLAIN_LABEL, alphabet)


def email(alphabet: Alphabet) -> Term:
    """Mailboxes in ASCII."""
    return _mailbox(alphabet, "", _domain(alphabet))


def idn_email(alphabet: Alphabet, names: Term) -> Term:
    """Mailboxes whose local part may go beyond ASCII, at the hosts of RFC 5321 or at `names`."""
    return _mailbox(alphabet, _BEYOND_ASCII, choice(_domain(alphabet), names))


def _names(label: str, alphabet: Alphabet, most: int = NAME_LENGTH) -> Term:
    names = regex_term(rf"{label}(?:\.{label})*", dialect="ecma", alphabet=alphabet)
    return intersect(names, repeat(alphabet(ALL_CODEPOINTS), 0, most))


def _domain(alphabet: Alphabet) -> Term:
    literal = regex_term(rf"\[(?:{IPV4}|[Ii][Pp][Vv]6:{ipv6(2)})\]", dialect="ecma", alphabet=alphabet)
    return choice(_names(_PLAIN_LABEL, alphabet, DOMAIN_LENGTH), literal)


def _mailbox(alphabet: Alphabet, beyond: str, domain: Term) -> Term:
    dot_string = rf"[{beyond}{_ATEXT}]+(?:\.[{beyond}{_ATEXT}]+)*"
    quoted = rf'"(?:[ !#-\[\]-~{beyond}]|\\[ -~])*"'
    local = []
    for pattern, characters in ((dot_string, meet(ALL_CODEPOINTS, inverse(_AT))), (quoted, ALL_CODEPOINTS)):
        octet = byte_range(0x00, 0xFF) if beyond else alphabet(characters)
        short = repeat(octet, 0, _LOCAL_PART_LENGTH)
        local.append(intersect(regex_term(pattern, dialect="ecma", alphabet=alphabet), short))
    return concat(choice(*local), alphabet(_AT), domain)
