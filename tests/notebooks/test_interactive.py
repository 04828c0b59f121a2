"""The interactive page is what its script makes, asks for nothing, and its JavaScript computes what `numerics` proves.

The page's arithmetic runs in node where there is one. Expected values come from `numerics.posterior` (certified integrals) for the
exact curve and from the coefficients at rational parameters, derived anew, for the partial sums.
"""

import importlib.util
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import sympy as sp

from numerics.posterior import Posterior
from theory import laplace

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
HTML = (NOTEBOOKS / "interactive.html").read_text(encoding="utf-8")
NODE = shutil.which("node")
X = sp.Symbol("x", real=True)
# λ, α, γ, t: even, skew, α² just below 3λγ, flat and cold, steep and hot; then two wells of which the other is the lower.
CASES = (
    ("1", "0", "1", 1),
    ("1", "1", "1", 10),
    ("1", "-17/10", "1", 30),
    ("1/5", "3/4", "5", 1000),
    ("5", "-3", "4", 2),
)
BEYOND = ("1/5", "3/2", "1", 20)


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("interactive", NOTEBOOKS / "interactive.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _loss(case: tuple) -> sp.Expr:
    lam, alpha, gamma = map(sp.Rational, case[:3])
    return lam * X**2 / 2 + alpha * X**3 / 6 + gamma * X**4 / 24


def _in_javascript(expression: str) -> Any:
    """The value of an expression after the page's arithmetic has run."""
    assert NODE is not None
    arithmetic = re.search(r'<script id="arithmetic">(.*?)</script>', HTML, re.DOTALL)
    assert arithmetic is not None
    program = f"{arithmetic[1]}\nconsole.log(JSON.stringify({expression}));"
    run = subprocess.run([NODE, "-"], input=program, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(run.stdout)


def _arguments(case: tuple) -> str:
    lam, alpha, gamma = (float(sp.Rational(v)) for v in case[:3])
    return json.dumps({"lambda": lam, "alpha": alpha, "gamma": gamma}) + f", {case[3]}"


def test_the_page_is_what_the_script_makes() -> None:
    assert _script().page() == HTML


def test_it_is_small_and_asks_for_nothing() -> None:
    assert len(HTML.encode()) < 150_000
    for request in ("http:", "https:", "src=", "<link", "@import", "fetch(", "XMLHttpRequest", "import("):
        assert request not in HTML
    assert not re.search(r"url\((?!#)", HTML)  # within the page only


def test_every_control_has_a_label_and_every_picture_a_role() -> None:
    labelled, pictures = [], []

    class Reader(HTMLParser):
        inside = 0

        def handle_starttag(self, tag: str, attrs: list) -> None:
            self.inside += tag == "label"
            if tag == "input":
                labelled.append(self.inside > 0)
            if tag == "svg":
                pictures.append(dict(attrs).get("role"))

        def handle_endtag(self, tag: str) -> None:
            self.inside -= tag == "label"

    Reader().feed(HTML)
    assert len(labelled) == 6 and all(labelled)
    assert pictures == ["img", "img"]


def test_a_coefficient_is_written_term_by_term() -> None:
    lam, alpha, gamma = _script().PARAMETERS
    rows = _script().terms((3 * alpha**2 - gamma * lam) / (7 * lam**4))
    assert sorted(rows) == [[-1, 7, -3, 0, 1], [3, 7, -4, 2, 0]]
    with pytest.raises(ValueError, match="no monomial"):
        _script().terms(1 / (lam + alpha))


@pytest.mark.skipif(NODE is None, reason="node runs the page's arithmetic")
@pytest.mark.parametrize("quantity", ["mean", "variance"])
def test_the_exact_value_is_the_certified_one(quantity: str) -> None:
    cases = (*CASES, BEYOND)
    found = _in_javascript("[" + ",".join(f"exact('{quantity}', {_arguments(case)})" for case in cases) + "]")
    for case, value in zip(cases, found, strict=True):
        posterior = Posterior(_loss(case), X, case[3], digits=20)
        truth = float((posterior.expectation(X) if quantity == "mean" else posterior.covariance(X, X)).mid())
        # Doubles: the rounding of 20,000 terms and of t·L near 60, relative to the width of the posterior.
        width = float(posterior.covariance(X, X).mid()) ** (0.5 if quantity == "mean" else 1)
        assert abs(value - truth) < 1e-12 * width + 1e-12 * abs(truth), case


@pytest.mark.skipif(NODE is None, reason="node runs the page's arithmetic")
@pytest.mark.parametrize(("quantity", "observables"), [("mean", (X,)), ("variance", (X, X))])
def test_the_partial_sums_are_those_of_the_numbers_themselves(quantity: str, observables: tuple) -> None:
    found = _in_javascript("[" + ",".join(f"partialSums('{quantity}', {_arguments(case)})" for case in CASES) + "]")
    for case, sums in zip(CASES, found, strict=True):
        coefficients = laplace.cumulant(_loss(case), observables, (X,), order=_script().ORDER, at=(0,))
        scale, total = 0.0, sp.S.Zero
        for k, (c, value) in enumerate(zip(coefficients, sums, strict=True)):
            total += c / sp.Integer(case[3]) ** k
            scale += abs(float(c / sp.Integer(case[3]) ** k))
            assert abs(value - float(total)) < 1e-10 * scale + 1e-300, (case, k)


@pytest.mark.skipif(NODE is None, reason="node runs the page's arithmetic")
def test_the_condition_is_that_of_example_19() -> None:
    assert _in_javascript(f"[{', '.join(f'oneMinimum({_arguments(case)})' for case in (*CASES, BEYOND))}]") == [
        True
    ] * 5 + [False]
