"""The page `interactive.html`: `python notebooks/interactive.py` writes it from `interactive_template.html`.

The page shows Example 19, L = (λ/2)x² + (α/6)x³ + (γ/24)x⁴, with sliders: the posterior density, the expansion of ⟨x⟩ or Var(x) order
by order, and the exact value beside it. Its coefficients are derived here, by `theory.laplace`, and written as data: every coefficient
is Σ_i p_i/q_i λ^{a_i} α^{b_i} γ^{c_i}, one row [p_i, q_i, a_i, b_i, c_i] of integers a term. Nothing is typed by hand.

The page is one file without any request: it works from the disk, on a phone, and with the keyboard alone.
"""

import json
from pathlib import Path

import sympy as sp

from theory import laplace

HERE = Path(__file__).resolve().parent
ORDER = 6
MARK = "/*SERIES*/"
LARGEST = 2**53  # above this a JavaScript number no longer holds every integer

x = sp.Symbol("x", real=True)
PARAMETERS = sp.symbols("lambda alpha gamma", positive=True)
OBSERVABLES = {"mean": (x,), "variance": (x, x)}


def loss(lam: sp.Expr, alpha: sp.Expr, gamma: sp.Expr) -> sp.Expr:
    """L of Example 19."""
    return lam * x**2 / 2 + alpha * x**3 / 6 + gamma * x**4 / 24


def terms(coefficient: sp.Expr) -> list[list[int]]:
    """[[p, q, a, b, c], …] with coefficient = Σ p/q λ^a α^b γ^c."""
    rows = []
    for term in sp.Add.make_args(sp.expand(coefficient)):
        number, powers = term.as_coeff_Mul()
        exponents = powers.as_powers_dict()
        rows.append([int(number.p), int(number.q), *(int(exponents[v]) for v in PARAMETERS)])
        if sp.Mul(number, *(v**k for v, k in zip(PARAMETERS, rows[-1][2:], strict=True))) != term:
            raise ValueError(f"{term} is no monomial in {PARAMETERS}")
        if max(map(abs, rows[-1])) >= LARGEST:
            raise ValueError(f"{term} does not fit the numbers of JavaScript; lower ORDER")
    return [row for row in rows if row[0]]


def series() -> dict[str, list[list[list[int]]]]:
    """{quantity: [the terms of the coefficient of t^−k for k = 0 … ORDER]}."""
    symbolic = loss(*PARAMETERS)
    return {
        name: [terms(c) for c in laplace.cumulant(symbolic, observables, (x,), order=ORDER)]
        for name, observables in OBSERVABLES.items()
    }


def page() -> str:
    """The whole page."""
    template = (HERE / "interactive_template.html").read_text(encoding="utf-8")
    return template.replace(MARK, json.dumps(series(), separators=(",", ":")))


if __name__ == "__main__":
    (HERE / "interactive.html").write_text(page(), encoding="utf-8")
    print("wrote interactive.html")
