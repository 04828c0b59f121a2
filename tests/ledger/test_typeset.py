"""The formulas in TeX: one entry for every claim, each of which becomes MathML and says what the plain statement says.

The statements are one road, the TeX another: whatever Greek letter, function or number a statement names must be in the formula,
and the formula may bring only the letters of the statement.
"""

import re
import unicodedata
from xml.etree import ElementTree as ET

import pytest

from ledger.claims import all_claims, typeset
from ledger.claims.typeset import FORMULAS
from ledger.html import formulas

CLAIMS = {claim.id: claim for claim in all_claims()}
GREEK = re.compile(r"[Α-Ωα-ω]")
# Letters that a formula brings of itself: q, x of an average; the name of a Gaussian's width; G of a graph; sums over i, j.
FREE = set("ΔσΣ")


def symbols(words: str) -> set[str]:
    """Greek letters and digits, whatever their position: ½ is 1 and 2, x² has a 2; a sum counts as Σ, a product as Π."""
    plain = unicodedata.normalize("NFKD", words.replace("∑", "Σ").replace("∏", "Π"))
    return set(GREEK.findall(plain)) | set(re.findall(r"\d", plain))


def words_of(claim: str) -> str:
    return " ".join("".join(ET.fromstring(formulas.mathml(line)).itertext()) for line in FORMULAS[claim])


def test_every_claim_has_its_formulas() -> None:
    """Exactly the claims of the ledger; the formulas of Section 2 count once its claims are registered."""
    early = () if any(claim.section == "2" for claim in CLAIMS.values()) else typeset._SECTION_2
    assert set(FORMULAS) - set(early) == set(CLAIMS)


@pytest.mark.parametrize("claim", FORMULAS)
def test_it_becomes_mathml(claim: str) -> None:
    assert FORMULAS[claim]
    for line in FORMULAS[claim]:
        root = ET.fromstring(formulas.mathml(line))
        said = "".join(root.itertext())
        assert root.tag == "math" and root.get("display") == "block"
        assert (
            not set(said) & set("\\~&^") and said.count("(") == said.count(")") and said.count("[") == said.count("]")
        )
        assert said.count("⟨") == said.count("⟩") and said.count("{") == said.count("}")
        assert not root.findall(".//merror")
        assert all(node.tag != "mo" or len(node.text or "") < 3 for node in root.iter())


@pytest.mark.parametrize("claim", CLAIMS)
def test_it_says_what_the_statement_says(claim: str) -> None:
    stated, shown = symbols(CLAIMS[claim].statement), symbols(words_of(claim))
    assert stated <= shown
    assert {s for s in shown if GREEK.match(s)} <= stated | FREE


def test_what_browsers_would_show_badly_is_repaired() -> None:
    root = ET.fromstring(formulas.mathml(r"\bigl\langle \operatorname{tr} \hat g \sim T{:}S \bigr\rangle"))
    kinds = [(node.tag, node.text) for node in root.iter() if node.text]
    assert {("mo", "⟨"), ("mi", "tr"), ("mo", "ˆ"), ("mo", "∼"), ("mo", ":"), ("mo", "⟩")} <= set(kinds)
    assert "xmlns" not in formulas.mathml("x")


def test_a_claim_of_ones_own_has_none() -> None:
    assert formulas.shown("your claim") == ""
