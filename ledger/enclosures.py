"""What `threefold integrate` answers: log Z, means and covariances of a Gibbs posterior as balls, as JSON and on a terminal.

    Z = ∫ e^{−tL} φ₀ dw,   ⟨φ_i⟩,   Cov(φ_i, φ_j),

each a decimal with a proved error (`numerics.posterior`). Reading order: `integrals`, `show`.
"""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import sympy as sp
from flint import arb
from rich.console import Console
from rich.text import Text

from numerics.posterior import Posterior
from numerics.precision import digits as scope
from theory.errors import BadInput
from theory.expression import parse

INFINITE = {"oo": sp.oo, "+oo": sp.oo, "-oo": -sp.oo, "inf": sp.oo, "-inf": -sp.oo}


def domain(text: str, variables: Sequence[sp.Symbol]) -> list[tuple[sp.Expr, sp.Expr]]:
    """ "0,oo;-1,1" as one pair of ends for each variable. Raises `BadInput`."""
    pairs = [pair.split(",") for pair in text.split(";")]
    if len(pairs) != len(variables) or any(len(pair) != 2 for pair in pairs):
        names = ", ".join(map(str, variables))
        raise BadInput(
            f'the domain "{text}" needs "lower,upper" for each of {names}, separated by semicolons; oo is infinity'
        )
    return [tuple(_end(end.strip()) for end in pair) for pair in pairs]  # type: ignore[misc]


def _end(text: str) -> sp.Expr:
    return INFINITE[text] if text in INFINITE else parse(text, (), what="end of the domain")


def integrals(posterior: Posterior, observables: Sequence[sp.Expr]) -> dict[str, Any]:
    """log Z, ⟨φ_i⟩ and Cov(φ_i, φ_j), i ≤ j, in decimals."""
    means = posterior.expectations(observables)
    pairs = list(combinations_with_replacement(range(len(observables)), 2))
    return {
        "loss": posterior.loss,
        "prior": posterior.prior,
        "variables": [str(symbol) for symbol in posterior.variables],
        "domain": [[str(end) for end in ends] for ends in posterior.intervals],
        "t": str(posterior.t),
        "digits": posterior.digits,
        "log_partition": _decimal(posterior.log_partition(), posterior.digits),
        "expectations": [
            {"observable": str(phi), **_decimal(mean, posterior.digits)}
            for phi, mean in zip(observables, means, strict=True)
        ],
        "covariances": [
            {
                "observables": [str(observables[i]), str(observables[j])],
                **_decimal(posterior.covariance(observables[i], observables[j]), posterior.digits),
            }
            for i, j in pairs
        ],
    }


def _decimal(ball: arb, n: int) -> dict[str, str]:
    """Midpoint and radius in decimals that together hold the ball."""
    with scope(n + 10):
        text = ball.str(n).strip("[]")
    value, _, radius = text.partition("+/-")
    return {"value": value.strip() or "0", "error": radius.strip() or "0"}


def show(answer: dict[str, Any], console: Console) -> None:
    posterior = f"exp(-{answer['t']}·({answer['loss']}))"
    prior = "" if str(answer["prior"]) == "1" else f" · {answer['prior']}"
    console.print(Text(f"posterior ∝ {posterior}{prior}", style="bold"), soft_wrap=True)
    lines = [("log Z", answer["log_partition"])]
    lines += [(f"⟨{each['observable']}⟩", each) for each in answer["expectations"]]
    lines += [(f"Cov({', '.join(each['observables'])})", each) for each in answer["covariances"]]
    width = max(len(name) for name, _ in lines)
    for name, each in lines:
        console.print(Text(f"  {name:{width}s}  {each['value']} ± {each['error']}"), soft_wrap=True)
    console.print(Text("  every error is proved", style="dim"))


__all__ = ["domain", "integrals", "show"]
