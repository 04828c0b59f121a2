"""What users see: the terminal table at several widths, and a page that stands alone."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from ledger import figures, html, report
from ledger.claim import Budget, Figure, Layer, Series
from ledger.results import Report, Section
from ledger.run import run
from tests.ledger.fakes import FIGURE, claim, raises, says
from tests.ledger.markup import Page

SECTION = Section(
    {
        "matrix": {
            "rows": ["layer <0>", "layer 1"],
            "columns": [f"digit {n}" for n in range(100)],
            "values": np.linspace(-1, 2, 200).reshape(2, 100).tolist(),
            "sem": np.full((2, 100), 0.1).tolist(),
        },
        "influence": {"labels": ["a", "b"], "mean": [[1.0, -1.0], [float("nan"), 1.0]], "quantity": "n I"},
        "widths": [64, 8, 10],
    },
    (FIGURE,),
    ("The estimator & the theory agree.",),
    1.0,
)


@pytest.fixture(scope="module")
def found() -> Report:
    claims = (
        claim(),
        claim("Lem 18", labels=("eq 12",), finding="It is <i>one half</i>."),
        claim(
            "eq 99",
            derived=says("refuted", "difference x**2/3"),
            sampled=says("refuted", "z = 14", z=14.2, power_at="5%"),
        ),
        claim("eq 100", enclosed=raises(RuntimeError("no <quadrature>"))),
    )
    return run(claims, tuple(Layer), Budget.QUICK, applied=lambda budget, progress: SECTION)


@pytest.fixture(scope="module")
def text(found: Report) -> str:
    return html.page(found)


def printed(result: Report, width: int) -> str:
    stream = io.StringIO()
    report.show(result, Console(file=stream, width=width))
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_table_shows_every_layer(found, width):
    text = printed(found, width)
    assert all(len(line) <= width for line in text.splitlines())
    if width >= 80:
        assert "✓ 38" in text and "✓ −0.4 · 2.1 %" in text and "✗ +14.2 · 5%" in text
        assert "<script>alert(1)</script>" in text or "…" in text


def test_what_needs_words_is_said_in_full(found):
    text = " ".join(printed(found, 100).split())
    assert "Lem 18: It is <i>one half</i>." in text
    assert "eq 99, derived: difference x**2/3" in text
    assert "eq 100, enclosed: failed: RuntimeError: no <quadrature>" in text
    assert "The estimator & the theory agree." in text
    assert "4 claims: 1 holds, 1 finding, 1 open, 1 refuted" in text and "quick budget" in text


def test_a_run_of_few_claims_shows_its_evidence():
    text = printed(run([claim()], [Layer.DERIVED], Budget.FULL), 80)
    assert "eq 3, derived: as told" in text and "1 claim: 1 open" in text and "full budget" in text


def test_the_page_stands_alone_and_is_well_formed(text):
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "iframe", "img", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert not re.search(r"https?:|@import|url\((?!#)", text)
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text


def test_ids_on_the_page_are_unique_and_links_arrive(text):
    page = Page(text)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for _, attributes in page.tags if (attributes.get("href") or "").startswith("#")}
    assert {link[1:] for link in links} <= set(ids)


def test_everything_on_the_page_is_escaped(text):
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<i>" not in text and "&lt;i&gt;one half" in text
    assert "layer &lt;0&gt;" in text


def test_the_page_holds_the_evidence(text):
    assert text.count("<details") == 4 * 3 + 2  # the layers, what an exception left, and the applied section's numbers
    assert (
        "<th>detects</th>" in text
        and "38.2</td>" in text
        and "2.1 %</td>" in text
        and "Finding." in text
        and "Environment" in text
    )
    assert text.count('<svg role="img" aria') == 11 + 3 and "layer 1" in text and "digit 0" in text
    assert "interrupted" not in text


def test_a_partial_page_says_so(found):
    partial = Report(found.claims[:1], found.environment, 1.0, interrupted=True)
    assert "interrupted" in html.page(partial) and "interrupted" in printed(partial, 80)


def test_figures_are_equal_bit_for_bit():
    assert figures.draw(FIGURE, "a") == figures.draw(FIGURE, "a")
    [matrix, _] = figures.matrices(SECTION.data)
    assert figures.heat_map(matrix, "b") == figures.heat_map(matrix, "b")


@pytest.mark.parametrize(
    "figure",
    [
        Figure("empty", "x", "y", ()),
        Figure("nothing positive", "x", "y", (Series("s", (-1.0, 0.0), (0.0, -1.0)),), xlog=True, ylog=True),
        Figure("$unbalanced{", "$", "a$b$c", (Series("$\\bad$", (1.0,), (1.0,)),)),
        Figure("--> <!--", "x", "y", (Series("one", (1.0, 2.0), (1.0, float("inf")), (float("nan"), 0.0)),)),
    ],
)
def test_unusual_figures_are_drawn(figure):
    Page(figures.draw(figure, "p"))


def test_matrices_are_found_by_their_names():
    matrix, influence = figures.matrices(SECTION.data)
    assert matrix.values.shape == (2, 100) and matrix.sem is not None and matrix.title == "matrix"
    assert influence.rows == ("a", "b") and influence.sem is None and influence.title == "n I"
    assert list(figures.matrices({"rows": ["a"], "columns": ["b"], "values": [[1, 2]]})) == []


def test_progress_on_a_pipe_is_one_line_a_layer():
    stream = io.StringIO()
    with report.watch(Console(file=stream, force_terminal=False)) as progress:
        run([claim()], [Layer.DERIVED, Layer.ENCLOSED], Budget.QUICK, progress)
    assert stream.getvalue().splitlines() == ["[1/1] eq 3 derived ✓ as told", "[1/1] eq 3 enclosed ✓ as told"]


def test_progress_on_a_terminal_leaves_nothing_behind():
    stream = io.StringIO()
    with report.watch(Console(file=stream, force_terminal=True, width=80)) as progress:
        run([claim("[bold]x")], [Layer.DERIVED], Budget.QUICK, progress)
    assert stream.getvalue().endswith("\x1b[2K")
