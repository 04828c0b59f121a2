"""Problems that the search closes in a moment, between them with every kind of step, proof and branching."""

import json
from typing import Any, NamedTuple

import pytest
import sympy as sp

from theory.rlct import rlct, rlct_ideal


class Solved(NamedTuple):
    """What was asked, and the certificate that came back, as it comes out of a file."""

    K: Any
    variables: tuple[sp.Symbol, ...]
    how: dict[str, Any]
    certificate: dict[str, Any]

    @property
    def asked(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of `check` after the certificate."""
        return (self.K, self.variables), self.how


x, y, z, w = sp.symbols("x y z w", real=True)
PROBLEMS: dict[str, tuple[Any, tuple[sp.Symbol, ...], dict[str, Any]]] = {
    "plane": ([x, y], (x, y), {}),
    "monomial": ([x * y**2], (x, y), {}),
    "prior": ([x * y**3], (x, y), {"prior": sp.Abs(y) ** 2}),
    "prior below 1": ([x**2 - y**3], (x, y), {"prior": sp.Abs(x) ** sp.Rational(-1, 2)}),
    "cusp": ([x**2 - y**3], (x, y), {}),
    "cusp as K": ((x**2 - y**3) ** 2, (x, y), {}),
    "two cusps": ([(x**2 - y**3) ** 2 - 4 * x * y**5 - y**7], (x, y), {}),
    "square plus": ([y**2 - x**3, x**4], (x, y), {}),
    "cone": ([x**2 + y**2 - z**3], (x, y, z), {}),
    "cone, all signs": ([x**2 - y**2 + z**3], (x, y, z), {}),
    "E8": ([x**2 + y**3 + z**5], (x, y, z), {}),
    "Fermat": ([x**3 + y**3 + z**4], (x, y, z), {}),
    "lines": ([x * y * (x - y) * (x + 2 * y)], (x, y), {}),
    "planes": ([x * y * z * (x - y) * (y - z) * (x + y)], (x, y, z), {}),
    "circle": ([x**2 + y**2 - 1], (x, y), {"at": [1, 0]}),
    "root of 2": ([(x**2 - 2) ** 2 - y**3], (x, y), {"at": [sp.sqrt(2), 0]}),
    "irrational lines": ([x**2 - 2 * y**2], (x, y), {}),
    "cubic": ([x**3 - 2 * y**3 + x * y**3, x**5], (x, y), {}),
    "quintic": ([(x**3 - x * y**2 - y**3) ** 2 + x**7], (x, y), {}),
    "quartic": ([(x**4 + x**2 * y**2 + y**4 - z**4) ** 2 + x**9], (x, y, z), {}),
    "quartic again": ([(x**4 + y**4 - z**4) ** 2 + z**9], (x, y, z), {}),
    "quadric": ([x**7 + (x**2 + y**2 - 3 * y * z - 3 * z**2) ** 2], (x, y, z), {}),
    "combination": ([-(x**2) - x * y - y**5 + 2 * z**2, y * z**2], (x, y, z), {}),
    "discriminant": ([x**5 + 2 * x**2 - x * y + 2 * y**2 - y * z + 2 * z**2, x * y * z], (x, y, z), {}),
    "definite": (x**2 + x * y**2 + y**4, (x, y), {}),
    "corner": ([x - y], (x, y), {"domain": "nonnegative"}),
    "corner, sum": (x**2 + y, (x, y), {"domain": "nonnegative"}),
    "far corner": (((x - 1) + y**2) ** 2, (x, y), {"domain": "box", "at": [1, 0]}),
    "matrices": ([x * z, x * w, y * z, y * w], (x, y, z, w), {}),
    "surface": ([w**2 * y - x**2 * z + y**2], (x, y, z, w), {}),
    "tanh": ((x * sp.tanh(y)) ** 2, (x, y), {}),
    "two tanh": ((x * sp.tanh(y) + z * sp.tanh(2 * y)) ** 2, (x, y, z), {}),
    "cosine": (1 - sp.cos(x * y), (x, y), {}),
    "logarithm": (-sp.log(1 - x**2 * y**2) / 2 + z**2, (x, y, z), {}),
}


def solve(K: Any, variables: tuple[sp.Symbol, ...], how: dict[str, Any], *, closes: bool = True) -> Solved:
    """The search's certificate, written and read as JSON; a bracket is enough unless the problem `closes`."""
    answer = (rlct_ideal if isinstance(K, list) else rlct)(K, variables, time_limit=200 if closes else 5, **how)
    assert answer.exact or not closes
    return Solved(K, variables, how, json.loads(json.dumps(answer.certificate)))


@pytest.fixture(scope="session")
def solved() -> dict[str, Solved]:
    return {name: solve(*problem) for name, problem in PROBLEMS.items()}


@pytest.fixture(scope="session")
def solver() -> Any:
    return solve
