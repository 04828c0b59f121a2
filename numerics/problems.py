"""A table of Gibbs integrals with known values, on which every road of quadrature is tried.

Idea
----
A `Problem` is a posterior ∝ e^{−t·loss} prior on R^d, with its partition function and some means in closed form where
they are known. The tags say what is hard about it: *steep* (large t), *flat* (a wide minimum), *degenerate* and *nearly
degenerate* Hessians, *double well*, *shifted* minima, *rotated valley*, *non-polynomial*. The closed forms come from
moments of Gaussians and Gamma functions, from changes of variables with determinant 1, from ⟨x ∂V/∂x⟩ = 1 for the exponent V
by parts, and from tables of integrals:

    ∫ e^{−x⁴ − 2cx²} dx = √(c/2) e^{c²/2} K_{1/4}(c²/2)                           (c > 0; Gradshteyn–Ryzhik 3.323.3),
    ∫ e^{−x⁴ + 2cx²} dx = (π/2) √c e^{c²/2} (I_{1/4}(c²/2) + I_{−1/4}(c²/2))       (the same continued to −c),
    ∫ e^{−tx²} cos(x³/3) dx = 2π e^{2t³/3} Ai(t²),  Ai(z) = π^{−1} √(z/3) K_{1/3}(2z^{3/2}/3)      (DLMF 9.5.8, 9.6.2),
    ∫ e^{−t(e^x − x)} dx = Γ(t) t^{−t},   ∫ e^{−t cosh x} dx = 2 K_0(t).

Two lists are kept beside the table: problems on which a road may *refuse* (`MAY_REFUSE`), and problems on which a ball
may miss the truth (`MAY_LIE`). The second is empty, and a test keeps it so.

Reading order: `Problem`, `TABLE`, `select`.
"""

from dataclasses import dataclass
from typing import Any

import sympy as sp

from theory.errors import BadInput

x, y, z = sp.symbols("x y z")
R = sp.Rational
GAMMA_RATIO = sp.gamma(R(3, 4)) / sp.gamma(R(1, 4))


@dataclass(frozen=True)
class Problem:
    """A posterior and what is known of it.

    partition: ∫ e^{−t·loss} prior, or None where no closed form is known; means: pairs (φ, ⟨φ⟩), ⟨φ⟩ None likewise;
    box: intervals that hold all but a negligible part of the mass, for quadratures that need a bounded region (it is
    not a proof of anything); source: where the closed forms come from.
    """

    name: str
    loss: Any
    variables: tuple[sp.Symbol, ...]
    t: sp.Rational
    tags: frozenset[str]
    box: tuple[tuple[Any, Any], ...]
    partition: Any = None
    means: tuple[tuple[Any, Any], ...] = ()
    prior: Any = sp.S.One
    source: str = "Gaussian moments and Gamma functions"

    @property
    def observables(self) -> tuple[Any, ...]:
        return tuple(phi for phi, _ in self.means)

    @property
    def polynomial(self) -> bool:
        """Is everything a polynomial (up to an exponential prior), as the trapezoid rule needs?"""
        return all(e.is_polynomial(*self.variables) for e in (self.loss, *self.observables))


def single_well(c: Any) -> Any:
    """∫ e^{−x⁴ − 2cx²} dx, c > 0."""
    return sp.sqrt(c / 2) * sp.exp(c**2 / 2) * sp.besselk(R(1, 4), c**2 / 2)


def double_well(c: Any) -> Any:
    """∫ e^{−x⁴ + 2cx²} dx, c > 0."""
    bessel = sp.besseli(R(1, 4), c**2 / 2) + sp.besseli(-R(1, 4), c**2 / 2)
    return sp.pi / 2 * sp.sqrt(c) * sp.exp(c**2 / 2) * bessel


def pure_power(n: int, t: Any) -> Any:
    """∫ e^{−t x^n} dx, n even."""
    return R(2, n) * sp.gamma(R(1, n)) / t ** R(1, n)


def entry(name: str, loss: Any, variables: tuple[sp.Symbol, ...], t: Any, tags: str, box: Any, **known: Any) -> Problem:
    intervals = box if isinstance(box, tuple) else ((-box, box),) * len(variables)
    return Problem(
        name,
        sp.sympify(loss),
        variables,
        R(t),
        frozenset(tag.strip() for tag in tags.split(",") if tag),
        intervals,
        **known,
    )


ONE, TWO, THREE = (x,), (x, y), (x, y, z)

# fmt: off
TABLE: tuple[Problem, ...] = (
    entry("gaussian", x**2 / 2, ONE, 3, "regular", 8, partition=sp.sqrt(2 * sp.pi / 3),
             means=((x**2, R(1, 3)), (x**4, R(1, 3)), (x**6, R(5, 9)))),
    entry("steep gaussian far away", (x - 3) ** 2 / 2, ONE, 10**6, "steep, shifted", ((R(299, 100), R(301, 100)),),
             partition=sp.sqrt(2 * sp.pi) / 1000, means=((x, sp.Integer(3)), (x**2, 9 + R(1, 10**6)))),
    entry("flat gaussian", x**2 / 2, ONE, R(1, 10**6), "flat", 14000, partition=1000 * sp.sqrt(2 * sp.pi),
             means=((x**2, sp.Integer(10**6)),)),
    entry("quartic", x**4, ONE, 16, "degenerate", 3, partition=pure_power(4, 16),
             means=((x**2, GAMMA_RATIO / 4), (16 * x**4, R(1, 4)))),
    entry("sextic, shifted", (x + 2) ** 6, ONE, 10, "degenerate, shifted", ((-5, 1),), partition=pure_power(6, 10),
             means=((x, sp.Integer(-2)), ((x + 2) ** 6, R(1, 60)))),
    entry("quartic and quadratic", x**4 + 2 * x**2, ONE, 1, "regular", 4, partition=single_well(sp.S.One),
             means=((x**4 + x**2, R(1, 4)),), source="Gradshteyn–Ryzhik 3.323.3"),
    entry("two wells", (x**2 - 1) ** 2, ONE, 1, "double well", 4, partition=sp.exp(-1) * double_well(sp.S.One),
             means=((x, sp.S.Zero),), source="Gradshteyn–Ryzhik 3.323.3, continued"),
    entry("two steep wells", (x**2 - 4) ** 2, ONE, 4, "double well, steep", 4,
             partition=sp.exp(-64) * double_well(sp.Integer(8)) / sp.sqrt(2), means=((x**4 - 4 * x**2, R(1, 16)),),
             source="Gradshteyn–Ryzhik 3.323.3, continued"),
    entry("tilted wells", (x**2 - 2) ** 2 / 4 + x / 10, ONE, 5, "double well", 5, means=((x, None), (x**2, None))),
    entry("exponential", sp.exp(x) - x, ONE, 5, "non-polynomial", ((-20, 5),), partition=sp.gamma(5) / sp.Integer(5) ** 5,
             means=((x, sp.digamma(5) - sp.log(5)), (sp.exp(x), sp.S.One)), source="Γ(t) after u = t e^x"),
    entry("hyperbolic cosine", sp.cosh(x), ONE, 2, "non-polynomial", 5, partition=2 * sp.besselk(0, 2),
             means=((sp.cosh(x), sp.besselk(1, 2) / sp.besselk(0, 2)),), source="DLMF 10.32.9"),
    entry("airy", x**2, ONE, 1, "non-polynomial", 8, partition=sp.sqrt(sp.pi),
             means=((sp.cos(x**3 / 3), 2 / sp.sqrt(3 * sp.pi) * sp.exp(R(2, 3)) * sp.besselk(R(1, 3), R(2, 3))),),
             source="DLMF 9.5.8, 9.6.2"),
    entry("correlated gaussian, shifted", (x - 5) ** 2 + (x - 5) * (y + 7) + (y + 7) ** 2, TWO, 4, "shifted",
             ((0, 10), (-12, -2)), partition=sp.pi / (2 * sp.sqrt(3)),
             means=((x, sp.Integer(5)), (x * y, -35 - R(1, 12)), (x**2, 25 + R(1, 6)))),
    entry("quadratic and quartic", x**2 + y**4, TWO, 1, "degenerate", ((-8, 8), (-3, 3)),
             partition=sp.sqrt(sp.pi) * pure_power(4, 1), means=((x**2 * y**2, GAMMA_RATIO / 2),)),
    entry("steep quartic and sextic", x**4 + y**6, TWO, 10**6, "degenerate, steep", ((-R(1, 10), R(1, 10)), (-R(1, 5), R(1, 5))),
             partition=pure_power(4, 10**6) * pure_power(6, 10**6), means=((x**4, R(1, 4 * 10**6)), (y**6, R(1, 6 * 10**6)))),
    entry("narrow ridge", x**2 + 2 * x * y + (1 + R(1, 10**4)) * y**2, TWO, 1, "nearly degenerate, rotated valley", 800,
             partition=100 * sp.pi, means=((y**2, sp.Integer(5000)), (x * y, sp.Integer(-5000)))),
    entry("oblique valley", (x + y) ** 4 + (x - 2 * y) ** 2, TWO, 3, "degenerate, rotated valley", 9,
             partition=pure_power(4, 3) * sp.sqrt(sp.pi / 3) / 3,
             means=(((x + y) ** 2, GAMMA_RATIO / sp.sqrt(3)), ((x - 2 * y) ** 2, R(1, 6)))),
    entry("cross term with gaussian prior", x**2 * y**2, TWO, R(1, 2), "degenerate", 9,
             prior=sp.exp(-(x**2) / 2 - y**2 / 2), partition=sp.sqrt(2 * sp.pi) * sp.exp(R(1, 4)) * sp.besselk(0, R(1, 4)),
             means=((x**2 * (1 + y**2), sp.S.One),), source="the y-integral is Gaussian, then GR 3.364.3"),
    entry("two wells and a sheared line", (x**2 - 1) ** 2 + (y - 2 * x) ** 2, TWO, 1, "double well", ((-4, 4), (-14, 14)),
             partition=sp.exp(-1) * double_well(sp.S.One) * sp.sqrt(sp.pi), means=((y, sp.S.Zero),),
             source="y − 2x is Gaussian and independent of x"),
    entry("cubic terms", x**2 / 2 + y**2 + x * y**2 / 3 + x**3 / 6 + x**4 / 8 + y**4 / 12, TWO, 7, "regular", 5,
             means=((x, None), (x * y**2, None))),
    entry("banana", (y - x**2) ** 2 + x**2 / 4, TWO, 2, "curved valley", ((-9, 9), (-5, 60)), partition=sp.pi,
             means=((x**2, sp.S.One), (y, sp.S.One)), source="y − x² is Gaussian and independent of x"),
    entry("gaussian in space", (x**2 + y**2 + z**2) / 2 + x * y / 2, THREE, 2, "regular", 8,
             partition=sp.pi ** R(3, 2) * 2 / sp.sqrt(3), means=((x * y, -R(1, 3)), (z**2, R(1, 2)))),
    entry("one flat direction", x**2 + (x + y) ** 4 + (y - z) ** 2, THREE, 1, "degenerate, rotated valley",
             ((-7, 7), (-10, 10), (-16, 16)), partition=sp.pi * pure_power(4, 1), means=((x**2, R(1, 2)),)),
    entry("two quartics", x**4 + y**4 + z**2, THREE, 2, "degenerate", ((-3, 3), (-3, 3), (-6, 6)),
             partition=pure_power(4, 2) ** 2 * sp.sqrt(sp.pi / 2), means=((x**2 * y**2, GAMMA_RATIO**2 / 2),)),
)
# fmt: on

MAY_REFUSE: frozenset[str] = frozenset()
"""Where `Posterior` may raise `NotCertified`: nowhere in this table. The banana, whose leading form (y − x²)² vanishes
along a curve, is straightened by a shear."""

MAY_LIE: frozenset[str] = frozenset()
"""Where an enclosure may miss the truth: nowhere, ever."""


def select(*tags: str, dimension: int | None = None) -> tuple[Problem, ...]:
    """The problems that carry all the tags (and have the dimension, if given). Raises `BadInput` for an unknown tag."""
    known = frozenset().union(*(problem.tags for problem in TABLE))
    unknown = set(tags) - known
    if unknown:
        raise BadInput(f"no problem carries the tag {sorted(unknown)[0]!r}; the tags are {', '.join(sorted(known))}")
    return tuple(
        p for p in TABLE if p.tags.issuperset(tags) and (dimension is None or len(p.variables) == dimension)
    )  # fmt: skip


__all__ = ["MAY_LIE", "MAY_REFUSE", "TABLE", "Problem", "double_well", "pure_power", "select", "single_well"]
