"""Which networks, URLs and mailboxes do Python and Pydantic take?

    10.1.0.0/16 yes    10.1.2.0/16 no      a network is written without the bits of a host
    http://a.it yes    http:///x no        the schemes of the web need a host, and a port below 65,536
    a@b.it yes         a@localhost no      a mailbox as email-validator has it, in a domain that can exist

Addresses are those of `formats_hosts.py`.  The bits behind a network's prefix are zero, so there is a pattern
for each length of a prefix; of an address of version 6 those groups count that are written as `0`, or stand
behind `::` at its end.

Sources: `ipaddress` of the standard library; the WHATWG URL standard, which Pydantic's URLs follow; the
documentation of email-validator, and RFC 6761 for domains that are nobody's.
We depart from what they take in these ways, each time towards fewer texts:
1. IPv4 networks are written with the length of a prefix, not with a mask; addresses have no zone (`%eth0`).
2. The host of a URL is a name of ASCII letters, digits, `_` and single hyphens (so no `xn--`, as in
   `formats_hosts.py`), or an address.  Its last label begins with a letter: what ends in a number is one.
3. A mailbox is ASCII, without quotes, its domain not both deep and long (`_DOMAINS`); the name before one is
   letters, digits and a few signs.
Cost: a few milliseconds for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from constrain.json_schema.formats_hosts import IPV4, ipv6, labels

# Networks.

_GROUP = "[0-9A-Fa-f]{1,4}"


def ip_addresses(version: str) -> str:
    """A pattern for the addresses of version `4` or `6`, or, empty, of both."""
    return {"4": IPV4, "6": ipv6(), "": f"(?:{IPV4}|{ipv6()})"}[version]


def ip_interfaces(version: str) -> str:
    """A pattern for addresses that may say the prefix of their network."""
    four = rf"{IPV4}(?:/{_number(0, 32)})?"
    six = rf"{ipv6()}(?:/{_number(0, 128)})?"
    return {"4": four, "6": six, "": f"(?:{four}|{six})"}[version]


def ip_networks(version: str) -> str:
    """A pattern for networks, of which an address alone is one."""
    four, six = "|".join(_networks_4()), "|".join(_networks_6())
    return {"4": f"(?:{four})", "6": f"(?:{six})", "": f"(?:{four}|{six})"}[version]


def _networks_4() -> Iterator[str]:
    octet = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
    yield rf"{IPV4}(?:/32)?"
    for length in range(32):
        whole, bits = divmod(length, 8)
        step = 1 << (8 - bits)
        part = "(?:" + "|".join(str(value) for value in range(0, 256, step)) + ")"
        yield r"\.".join([octet] * whole + [part] + ["0"] * (3 - whole)) + f"/{length}"


def _networks_6() -> Iterator[str]:
    yield rf"{ipv6()}(?:/128)?"
    # `count` groups, and then the rest, which is zero: `::`, or a zero for each.
    yield f"::/{_number(0, 127)}"
    for count in range(1, 9):
        for behind in dict.fromkeys((":0" * (8 - count), "::" if count < 8 else "")):
            yield f"(?:{_GROUP}:){{{count - 1}}}{_last_group(count, behind)}"
    # Groups are left out in the middle, and zeros are written at the end, as in `1::2:0/112`.
    for zeros in range(6):
        for after in range(1, 7 - zeros):
            head = f"(?:(?:{_GROUP}:){{0,{6 - zeros - after}}}{_GROUP})?"
            yield f"{head}::(?:{_GROUP}:){{{after - 1}}}{_last_group(8 - zeros, ':0' * zeros)}"


def _last_group(count: int, behind: str) -> str:
    """The last of `count` groups that is not only zero, what is behind it, and the prefixes this allows."""
    ways = [f"{_multiples(16 - bits)}{behind}/{16 * (count - 1) + bits}" for bits in range(16)]
    ways.append(f"{_GROUP}{behind}/{_number(16 * count, 127)}" if count < 8 else f"{_GROUP}/128")
    return "(?:" + "|".join(ways) + ")"


def _multiples(bits: int) -> str:
    """A pattern for a group of hexadecimal digits whose last so many bits are zero."""
    digits, rest = divmod(bits, 4)
    if digits == 4:
        return "0{1,4}"
    some = "".join(f"{value:x}{value:X}" if value > 9 else str(value) for value in range(0, 16, 1 << rest))
    high = 3 - digits
    return f"(?:[0-9A-Fa-f]{{0,{high}}}[{some}]{'0' * digits}|0{{1,{max(digits, 1)}}})"


def _number(low: int, high: int) -> str:
    return "(?:" + "|".join(str(number) for number in range(low, high + 1)) + ")"


# URLs.

_HEX = "%[0-9A-Fa-f]{2}"
_BEYOND = (
    "\u00a1-\u167f\u1681-\u1fff\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufefe\uff00-\uffef"
)
"""Characters of the first plane that are neither blanks nor invisible; each has three bytes at most."""
MOST_BYTES_OF_A_CHARACTER = 3
_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=\-"
_SPECIAL = {"http", "https", "ws", "wss", "ftp"}
"""The schemes that have a host always (WHATWG URL, special schemes); `file` may have one."""
_LABEL = "[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*"
_LAST_LABEL = "[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*"
_PORT = r"(?::(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5]))?"


def urls(schemes: Iterable[str] = (), host: str = "", *, is_ascii: bool = False) -> str:
    """A pattern for the URLs of some schemes, or of any.

    `host` is "one" where there must be one, "many" where there may be several, separated by commas.  Those in
    ASCII are as long as what they are normalised to, but for the slash of a missing path.
    """
    beyond = "" if is_ascii else _BEYOND
    names, many = list(schemes), host == "many"
    special = [name for name in names or sorted(_SPECIAL) if name in _SPECIAL]
    others = [re_escaped(name) for name in names if name not in _SPECIAL and name != "file"]
    if not names:
        others = [rf"(?!(?:{'|'.join(special)}|file):)[a-z][a-z0-9+.-]*"]
    kinds = []
    if special:
        kinds.append(f"(?:{'|'.join(special)}):{_located(beyond, needs_host=True, many=many)}")
    if others:
        kinds.append(f"(?:{'|'.join(others)}):{_located(beyond, needs_host=bool(host), many=many)}")
    if not names or "file" in names:
        place = rf"(?:{_LABEL}\.)*{_LAST_LABEL}"
        kinds.append(rf"file://{place if host else f'(?:{place})?'}/{_path(beyond)}")
    if not names and not host:
        kinds.append(f"{others[0]}:{_opaque(beyond)}")
    return "(?:" + "|".join(kinds) + ")"


def re_escaped(text: str) -> str:
    """The text as a pattern."""
    return "".join(char if char.isalnum() else f"\\{char}" for char in text)


def _located(beyond: str, *, needs_host: bool, many: bool = False) -> str:
    plain = _PLAIN.replace(",", "") if many else _PLAIN
    if not beyond:  # what is written here with a percent sign has three characters (WHATWG URL, userinfo)
        plain = plain.replace(";=", "")
    user = rf"(?:(?:[{plain}]|{_HEX})+(?::(?:[{plain}{':' if beyond else ''}]|{_HEX})*)?@)?"
    host = rf"(?:(?:{_LABEL}\.)*{_LAST_LABEL}|{IPV4}|\[{ipv6()}\]){_PORT}"
    if many:
        host = f"{host}(?:,{host})*"
    place = f"{user}{host}"
    return rf"//{place if needs_host else f'(?:{place})?'}(?:/{_path(beyond)})?{_query(beyond)}"


def _path(beyond: str) -> str:
    return rf"(?:[{beyond}{_PLAIN}:@/]|{_HEX})*"


def _query(beyond: str) -> str:
    plain = _PLAIN if beyond else _PLAIN.replace("'", "")  # which is written with a percent sign here
    characters = rf"(?:[{beyond}{plain}:@/?]|{_HEX})*"
    return rf"(?:\?{characters})?(?:#{characters})?"


def _opaque(beyond: str) -> str:
    characters = rf"(?:[{beyond}{_PLAIN}:@]|{_HEX})"
    return rf"{characters}(?:[{beyond}{_PLAIN}:@/]|{_HEX})*{_query(beyond)}"


# Mailboxes.

_ATEXT = "A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_RESERVED = "arpa|invalid|local|localhost|onion|test"
"""The top-level domains that email-validator refuses (RFC 6761 and its registry)."""
_DOMAINS = ((2, 61), (7, 22))
"""A domain has up to so many labels before the last one, and each label so many characters: so no mailbox is
longer than 254 characters (RFC 5321 section 4.5.3.1.3), and nobody has to count them."""
_NAME = r"[\p{L}\p{Nd}][\p{L}\p{Nd}.'_-]*(?: [\p{L}\p{Nd}][\p{L}\p{Nd}.'_-]*)*"


def mailboxes(end: str = "$") -> str:
    """A pattern for mailboxes that are followed by `end`."""
    local = rf"(?=[^@]{{1,64}}@)[{_ATEXT}]+(?:\.[{_ATEXT}]+)*"
    alphanumeric, inner = "[A-Za-z0-9]", "[A-Za-z0-9-]"
    domains = []
    for count, most in _DOMAINS:
        label, last = (
            labels(alphanumeric, alphanumeric, inner, most),
            labels("[A-Za-z]", "[A-Za-z]", inner, most),
        )
        domains.append(rf"(?:{label}\.){{1,{count}}}(?!(?:{_any_case(_RESERVED)}){end}){last}")
    return f"{local}@(?:{'|'.join(domains)})"


def named_mailboxes() -> str:
    """A pattern for mailboxes, with a name before them or without: `Anna Rossi <anna@example.com>`."""
    mailbox = mailboxes(">?$")
    return rf"(?:{mailbox}|{_NAME} <{mailbox}>)"


def _any_case(words: str) -> str:
    return "".join(f"[{char}{char.upper()}]" if char.isalpha() else char for char in words)
