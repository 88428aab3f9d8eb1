"""Unicode properties are those of the database, all of them, by ECMA-262's names and no others."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import idna.idnadata
import pytest
import regex
from fontTools.unicodedata import ScriptExtensions, Scripts

from constrain.errors import UnsupportedRegexError
from constrain.regular import properties
from constrain.regular.properties import BINARY, CATEGORIES, CharSet, property_members, script_names
from constrain.regular.syntax import regex_term
from tests.regular.unicode_tables import found, tables


def codes(of: CharSet | None) -> set[int]:
    assert of is not None
    return {code for low, high in of for code in range(low, high + 1)}


def test_the_tables_are_what_their_source_says() -> None:
    """Byte by byte; a newer source is written with `python -m tests.regular.unicode_tables`."""
    path = Path(properties.__file__).with_name("properties.txt")

    assert path.read_text(encoding="ascii") == tables()


def test_scripts_agree_with_an_independent_table() -> None:
    """Every script and its extensions, by both names, for every character."""
    scripts: dict[str, set[int]] = {name: set() for name in Scripts.NAMES}
    for low, end, name in zip(Scripts.RANGES, [*Scripts.RANGES[1:], 0x110000], Scripts.VALUES, strict=True):
        scripts[name].update(range(low, end))
    extensions = {name: set(members) for name, members in scripts.items()}
    for low, end, values in zip(
        ScriptExtensions.RANGES,
        [*ScriptExtensions.RANGES[1:], 0x110000],
        ScriptExtensions.VALUES,
        strict=True,
    ):
        for members in extensions.values() if values else ():
            members.difference_update(range(low, end))
        for name in values or ():
            extensions[name].update(range(low, end))

    for short, long in Scripts.NAMES.items():
        for name in (short, long):
            assert codes(property_members(f"Script={name}")) == scripts[short], name
            assert codes(property_members(f"scx={name}")) == extensions[short], name


def test_scripts_agree_with_those_of_idna() -> None:
    """It carries five."""
    for name, packed in idna.idnadata.scripts.items():
        members = {code for pair in packed for code in range(pair >> 32, pair & 0xFFFFFFFF)}

        assert codes(property_members(f"Script={name}")) == members


def test_categories_are_those_of_unicodedata_where_it_is_as_new() -> None:
    """Of the characters that Python's version has, hardly any has changed its category since."""
    changed = {
        code
        for short in CATEGORIES
        if len(short) == 2 and short not in {"LC", "Cn"}
        for code in codes(property_members(short))
        if unicodedata.category(chr(code)) not in {short, "Cn"}
    }

    assert len(changed) < 50
    assert codes(property_members("L")) == set().union(
        *(codes(property_members(short)) for short in ("Lu", "Ll", "Lt", "Lm", "Lo"))
    )
    assert codes(property_members("Assigned")) == set(range(0x110000)) - codes(property_members("Cn"))


@pytest.mark.parametrize("name", sorted(BINARY))
def test_each_binary_property_has_both_its_names(name: str) -> None:
    """And is what another reader says."""
    short = BINARY[name]

    assert property_members(name) == found(name)
    assert not short or property_members(short) == property_members(name)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Letter", "L"),
        ("gc=Letter", "L"),
        ("General_Category=Nd", "digit"),
        ("Script=Qaai", "sc=Zinh"),
        ("space", "White_Space"),
    ],
)
def test_a_property_has_several_names(name: str, same: str) -> None:
    """Tables 66 to 70 of ECMA-262, and the aliases of the database."""
    assert property_members(name) == property_members(same) is not None


@pytest.mark.parametrize(
    "name",
    [
        "lu",
        "Script=Klingon",
        "Greek",
        "IsGreek",
        "script=Greek",
        "Changes_When_NFKC_Casefolded",
        "Block=Greek",
        "gc=",
        "L&",
        "",
    ],
)
def test_a_property_that_ecma_262_does_not_name_is_refused(name: str) -> None:
    """Names are exact there: no case is folded, nothing is guessed."""
    with pytest.raises(UnsupportedRegexError) as caught:
        regex_term(rf"\p{{{name}}}+", dialect="ecma")
    assert str(caught.value) == (
        f"`{name}` is no Unicode property that ECMA-262 names\n"
        f'    "\\p{{{name}}}+"\n'
        f"     {'^' * (len(name) + 4)}\n"
        "hint: names are spelled as there: `\\p{Lu}`, `\\p{Script=Greek}`, `\\p{Alphabetic}`"
    )


def test_scripts_are_not_what_character_names_suggest() -> None:
    """U+037E is named GREEK QUESTION MARK and is a semicolon; U+2126 is named OHM SIGN and is Greek."""
    greek = codes(property_members("Script=Greek"))

    assert 0x2126 in greek
    assert 0x37E not in greek
    assert len(set(script_names().values())) == len(Scripts.NAMES)
    assert regex.fullmatch(r"\p{Script=Greek}", "\u2126")
