"""A proof as a page: what was tried, by whom, and what failed, in one file of HTML without scripts."""

from __future__ import annotations

import html
from collections.abc import Mapping

from constrain.proof.proving import Proof

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .8rem; text-align: left }
td { border-top: 1px solid #8886 } td:last-child { text-align: right; font-variant-numeric: tabular-nums }
pre { white-space: pre-wrap; padding: .8rem; border-left: .3rem solid #c33; background: #8881 }
.good { color: #2a7 } .bad { color: #c33 }
"""


def as_page(proof: Proof, title: str) -> str:
    """The page of a proof."""
    verdict = "holds" if proof.good else "is broken"
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}: {verdict}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        f'<p class="{"good" if proof.good else "bad"}"><strong>{proof.outputs.total():,} outputs, '
        f"{len(proof.failures) or 'no'} failure{'s' * (len(proof.failures) != 1)}</strong>; "
        f"{proof.tokens:,} tokens, {proof.subjects} grammar{'s' * (proof.subjects != 1)}, "
        f"{proof.seconds:.1f} s.</p>",
        *(f"<pre>{html.escape(str(failure))}</pre>" for failure in proof.failures),
        _table("Who wrote", "outputs", proof.outputs),
        _table("Who judged", "texts", proof.judged),
        _table("What was looked at besides", "times", proof.looked),
        _table("No opinion", "texts", proof.silent) if proof.silent else "",
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _table(name: str, unit: str, counts: Mapping[str, int]) -> str:
    rows = "".join(f"<tr><td>{html.escape(key)}</td><td>{count:,}</td></tr>" for key, count in counts.items())
    return f"<table><thead><tr><th>{name}</th><th>{unit}</th></tr></thead><tbody>{rows}</tbody></table>"
