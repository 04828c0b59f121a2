"""The page of a report with every kind of evidence: anchors, order, contrast, strips, trees; and that it stands alone."""

import math
import re

import pytest
import sympy as sp

from ledger import drawing, figures, html
from ledger.claim import Budget, Claim, Diagrams, Evidence, Figure, Layer, Series, Status
from ledger.claims import all_claims
from ledger.compare import Z_CRITICAL
from ledger.html import anchors, style
from ledger.html.strips import digits, power, score
from ledger.results import Report, Section
from ledger.run import run
from tests.ledger.fakes import FIGURE, raises, says
from tests.ledger.markup import Page
from theory.graphs import connected
from theory.rlct import rlct

LADDER = Figure(
    "t² Cov(φ, ψ): L = x**4/24 + x**2/2", "t = nβ", "t² κ",
    (
        Series("certified integrals", (64.0, 512.0, 4096.0), (1.31, 1.262, 1.2515)),
        Series("formula", (64.0, 4096.0), (1.25, 1.25), style="line"),
    ),
    xlog=True,
)  # fmt: skip
MAP = {
    "rows": ["layer 1", "layer 2"],
    "columns": [f"digit {n}" for n in range(10)],
    "values": [[math.sin(i + 3 * j) for i in range(10)] for j in range(2)],
    "sem": [[0.1] * 10] * 2,
    "quantity": "(nβ)² χ",
}


def identities() -> Evidence:
    x, y = sp.symbols("x y")
    parts = [
        {"status": "holds", "summary": "identity in 7 symbols (d = 1)", "coefficient": "A11*B11/2 - A11*b1", "difference": "0"},
        {"status": "holds", "summary": "order proved by the Laurent series", "case": "x²y²", "A_0": "1.0000"},
        {"status": "holds", "summary": "a resolution", "K": "cusp", "certificate": rlct((y**2 - x**3) ** 2, (x, y)).certificate},
    ]  # fmt: skip
    family = Diagrams("The ten diagrams", connected(2, 2), {0: frozenset({1})})
    return Evidence(Status.HOLDS, "; ".join(str(p["summary"]) for p in parts), {"parts": parts}, (family,))


def integrals() -> Evidence:
    part = {
        "summary": "t² Cov: 21 digits",
        "found": "[1.25000 +/- 3.1e-21]",
        "expected": "5/4",
        "problem": "L = x**4/24 + x**2/2",
    }
    return Evidence(
        Status.HOLDS, "t² Cov: 21 digits", {"digits": 20.8, "parts": [{**part, "digits": 20.8}]}, (LADDER, FIGURE)
    )


def samples(z: float = -0.8) -> Evidence:
    parts = [
        {
            "summary": f"comparison {n}", "z": z + 0.3 * n, "power_at": 10.0**-n, "mean": 1.25, "sem": 1e-3, "prediction": 1.2508,
            "ess": 4e5 + n, "rhat": 1.0001, "z_continuous_time": 1370.0, "step": "1/2",
            "diagnosis": {"severity": "note", "ok": True, "findings": [{"severity": "note", "sentence": "Some chains are slow."}]},
        }
        for n in range(5)
    ]  # fmt: skip
    status = Status.HOLDS if abs(z) < Z_CRITICAL else Status.REFUTED
    return Evidence(status, f"z = {z:+.1f}, would see 2%", {"z": z, "power_at": 0.02, "parts": parts}, (FIGURE,))


def full_report() -> Report:
    """Every verdict, every kind of evidence, the applied section; the claims are the ledger's, so that their formulas show."""
    given = {claim.id: claim for claim in all_claims()}

    def told(id: str, derived, enclosed, sampled, finding: str | None = None) -> Claim:
        claim = given[id]
        return Claim(id, claim.labels, claim.section, claim.statement, derived, enclosed, sampled, finding)

    def odd(budget: Budget) -> Evidence:
        data = {
            "z": math.inf,
            "power_at": math.inf,
            "digits": 3.2,
            "list": list(range(3000)),
            "nested": {"a": [{"b": 1}]},
        }
        return Evidence(Status.OPEN, "the balls agree to 3 digits only <b>", data)

    claims = (
        told("Lem 25", lambda _: identities(), lambda _: integrals(), lambda _: samples()),
        told("eq 24", lambda _: identities(), odd, lambda _: samples(0.4)),
        told(
            "Ex 27, text", says("holds"), says("holds", digits=38.2), lambda _: samples(1.2), "It is <i>one half</i>."
        ),
        told("Thm 11", says("holds"), raises(RuntimeError("no <quadrature>")), odd),
        told("chain SE of covariances", says("holds"), says("holds", digits=55.0), lambda _: samples(14.2)),
        Claim("your claim", ("your claim",), "check", "x**2 <script>", says("holds"), says("holds"), says("holds")),
    )
    section = Section(
        {"matrix": MAP, "influence": {"labels": ["a", "b"], "mean": [[1.0, math.nan], [0.5, 1.0]]}, "widths": [64, 8, 10]},
        (FIGURE, LADDER), ("The estimator & the theory agree.",), 81.0,
    )  # fmt: skip
    return run(claims, tuple(Layer), Budget.QUICK, applied=lambda budget, progress: section)


@pytest.fixture(scope="module")
def text() -> str:
    return html.page(full_report())


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


# ── the page stands alone ─────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_comes_from_elsewhere(page, text):
    assert not {"script", "link", "iframe", "img", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert not re.search(r"https?:|@import|url\((?!#)", text)
    assert "<i>one half" not in text and "&lt;i&gt;one half" in text and "<script" not in text


def test_ids_are_unique_and_links_arrive(page):
    assert len(page.ids) == len(set(page.ids))
    links = {attributes["href"] for _, attributes in page.tags if "href" in attributes}
    assert {link[1:] for link in links if link} <= set(page.ids)


def test_it_is_small(text):
    """Six claims; a whole run has about twelve times as many and must stay below 5 MB."""
    assert len(text.encode()) < 400_000
    assert "characters: see the report" in text or "more characters" in text


# ── anchors ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("eq 19", "eq-19"),
        ("Lem 20′", "lem-20-prime"),
        ("§6.3.2", "sec-6.3.2"),
        ("App A, κ₃", "app-a-kappa3"),
        ("chain e→0", "chain-e-to-0"),
        ("chain first order in ε", "chain-first-order-in-epsilon"),
        ("≈", "claim"),
    ],
)
def test_anchors_are_words(label, name):
    assert anchors.anchor(label) == name


def test_every_claim_is_found_under_its_id_and_its_labels(page):
    assert {"lem-25", "eq-19", "fig-4", "eq-24", "ex-27-text", "thm-11", "def-10", "eq-7", "your-claim"} <= set(
        page.ids
    )
    given = anchors.share(all_claims(), ())
    flat = [name for names in given for name in names]
    assert len(flat) == len(set(flat))
    for claim, names in zip(all_claims(), given, strict=True):
        assert names[0] == anchors.anchor(claim.id) and re.fullmatch(r"[a-z0-9.-]+", names[0])


def test_a_name_that_is_taken_is_numbered():
    [claim] = [each for each in all_claims() if each.id == "Def 5"]
    assert [names[0] for names in anchors.share([claim, claim], ("def-5",))] == ["def-5-2", "def-5-3"]


# ── order and content ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_findings_come_first_and_claims_in_the_order_of_the_primer(page):
    wanted = [
        "findings",
        "claims",
        "chapter-3",
        "thm-11",
        "chapter-4.1",
        "lem-25",
        "ex-27-text",
        "chapter-4.2",
        "eq-24",
    ]
    wanted += ["chapter-the-chain", "chain-se-of-covariances", "chapter-check", "your-claim", "applied", "environment"]
    assert sorted(wanted, key=page.ids.index) == wanted


def test_evidence_is_shown(page, text):
    assert text.count("<math") > 8 and "annotation" not in text
    assert "resolution of x, y" in text and text.count('class="broad plate"') == 2
    assert "Some chains are slow." in text and "z would be up to 1.37e+03" in text
    assert "x⁴/24 + x²/2" in text and "1.25000 ± 3.1e-21" in text
    assert "no &lt;quadrature&gt;" in text
    assert "Histogram of" in text
    assert text.count("<details open>") == 1  # what refutes is not folded


# ── strips ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [-math.inf, -14.0, -4.9, 0.0, 2.5, math.inf, math.nan])
def test_a_score_is_drawn_on_its_side(value):
    drawn = score(value)
    Page(drawn)
    assert ('class="bad"' in drawn) == (not abs(value) <= Z_CRITICAL)
    assert ("circle" in drawn) == (abs(value) <= 5)
    if abs(value) <= 5:
        assert f'cx="{50 + 9 * value:.1f}"' in drawn  # the axis: −5 at 5, 0 at 50, 5 at 95


@pytest.mark.parametrize(("value", "width"), [(0, 0), (12, 18), (20, 30), (40, 60), (400, 60), (-3, 0)])
def test_digits_fill_a_bar_to_forty(value, width):
    assert f'width="{width:.1f}"' in digits(value) and ('class="weak"' in digits(value)) == (value < 12)


@pytest.mark.parametrize(("value", "width"), [(1, 0), (0.1, 8), (1e-3, 24), (1e-9, 40), (7, 0)])
def test_power_is_in_decades(value, width):
    assert f'width="{width:.1f}"' in power(value)
    assert power(math.inf) == power(0) == ""


# ── colours ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_measured_as_the_standard_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the known grey that just fails


@pytest.mark.parametrize("palette", [style.LIGHT, style.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", style.GROUNDS)
def test_text_can_be_read(palette, ground):
    for name in style.TEXTS:
        assert contrast(palette[name], palette[ground]) >= 4.5, name
    assert contrast(palette["rule"], palette[ground]) >= 3


def test_curves_and_removed_graphs_can_be_told_from_both_grounds():
    for colour in (*figures.COLOURS, drawing._GREY):
        assert all(contrast(colour, palette["card"]) >= 3 for palette in (style.LIGHT, style.DARK)), colour


def test_the_sheet_uses_only_colours_that_it_names():
    used = set(re.findall(r"var\(--([a-z]+)\)", style.SHEET))
    assert used <= set(style.LIGHT) and set(style.LIGHT) == set(style.DARK)
    assert {*style.TEXTS, *style.GROUNDS} <= set(style.LIGHT)
    assert ":focus-visible" in style.SHEET and "@media print" in style.SHEET


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("python", "paper"),
    [
        ("x**4/24 + x**3*y", "x⁴/24 + x³·y"),
        ("2*x*(y - 1)**12", "2·x·(y - 1)¹²"),
        ("x**2.5 and a * b", "x**2.5 and a * b"),
        ("[1.25 +/- 3e-21]", "[1.25 ± 3e-21]"),
    ],
)
def test_polynomials_are_written_as_on_paper(python, paper):
    assert figures.readable(python) == paper


def test_a_shorter_picture_keeps_its_words_and_references():
    drawn = figures.draw(LADDER, "p")
    for target in re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', drawn):
        assert f'id="{"".join(target)}"' in drawn
    assert len(drawn) < 14_000 and "certified integrals" in drawn and "font-family:" not in drawn
    assert drawn == figures.draw(LADDER, "p")
