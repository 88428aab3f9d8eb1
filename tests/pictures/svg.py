"""What a reader can tell from a picture: it is read back from its SVG, not from what it was drawn from."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, fromstring

SPACE = "{http://www.w3.org/2000/svg}"


def read(svg: str) -> Element:
    """The picture's elements; raises where it is not XML."""
    return fromstring(svg)


def texts(element: Element, kind: str | None = None) -> list[str]:
    """What is written, from top to bottom, in all elements or in those of one class."""
    every = [text for text in element.iter(f"{SPACE}text") if kind in (None, text.get("class"))]
    return ["".join(text.itertext()) for text in every]


def groups(svg: str) -> dict[str, Element]:
    """The boxes, circles and arrows, by what is said to who points at them."""
    found = {group.findtext(f"{SPACE}title"): group for group in read(svg).iter(f"{SPACE}g")}
    return {title: group for title, group in found.items() if title is not None}


def accepts(svg: str, text: str) -> bool:
    """Does a reader who follows the arrows, one character each, end in a double circle?"""
    titles = list(groups(svg))
    edges = [match.groups() for title in titles if (match := re.fullmatch(r"(\d+) to (\d+) by (.+)", title))]
    states = {0}
    for character in text:
        states = {int(to) for at, to, by in edges if int(at) in states and re.fullmatch(by, character)}
        assert len(states) <= 1, "the automaton is deterministic"
    return any(f"state {state}, where a text may end" in titles for state in states)
