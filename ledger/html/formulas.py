"""Formulas on the page: TeX becomes MathML when the page is built, so that a browser needs neither script nor font for it.

The conversion is latex2mathml's. `_repair` sets right what a browser would otherwise show badly, since in MathML Core the kind of
an element decides the space about it:

    ⟨ ⟩ ⌈ ⌉       fences, not letters                     ~             the relation ∼
    tr, Cov, …    identifiers, not infix operators        ^ over g      the accent ˆ, as wide as its letter
    min, lim      have what they range over below them

Functions: `shown` (the formulas of a claim), `mathml` (of one line of TeX).
"""

import re
from xml.etree import ElementTree as ET

from latex2mathml.converter import convert

from ledger.claims.typeset import FORMULAS

_FENCES = {"\\langle": "⟨", "\\rangle": "⟩", "\\{": "{", "\\}": "}"}
_OVER = ("min", "max", "lim", "argmax")
_SPACE = re.compile(r' xmlns(:\w+)?="[^"]*"')


def shown(claim: str) -> str:
    """The formulas of the claim with this id, one below the other; empty for a user's own claim."""
    lines = "".join(f'<div class="formula">{mathml(line)}</div>' for line in FORMULAS.get(claim, ()))
    return f'<div class="formulas">{lines}</div>' if lines else ""


def mathml(tex: str) -> str:
    """A line of TeX as a displayed <math> element."""
    element = ET.fromstring(_SPACE.sub("", convert(tex, display="block")))
    for node in element.iter():
        _repair(node)
    return ET.tostring(element, encoding="unicode")


def _repair(node: ET.Element) -> None:
    words = (node.text or "").strip()
    if node.tag == "mo" and words in _FENCES:
        node.text = _FENCES[words]
    elif node.tag == "mi" and words in ("⟨", "⟩", "⌈", "⌉"):
        node.tag = "mo"
        node.set("stretchy", "false")
    elif node.tag == "mi" and words == ":":
        node.tag = "mo"
        node.set("lspace", "0.1em")
        node.set("rspace", "0.1em")
    elif words == "~":
        node.tag, node.text = "mo", "∼"
    elif node.tag == "mo" and len(words) > 1 and words.isalpha():
        node.tag = "mi"
    elif node.tag == "msub" and node[0].text in _OVER:
        node.tag = "munder"
    elif node.tag == "mover" and node[1].text == "^":
        node.set("accent", "true")
        node[1].text = "ˆ"
        node[1].set("stretchy", "false")
