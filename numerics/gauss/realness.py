"""Is the integrand real, and without poles, on the domain? What can be refuted is refuted at a witness.

Idea
----
That the integrand is analytic is proved panel by panel (`ellipse`). Where it is not, the proof would fail after a long
search with no reason given. Here samples look for a reason first: a logarithm or root that sees a negative number at a
point of the domain, a denominator that is positive at one point and negative at another (and so vanishes between them).
The witness is checked in ball arithmetic.

Reading order: `refuse_complex`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy as sp

from numerics.errors import NotCertified
from numerics.gauss.compiled import Program
from numerics.gauss.domain import Domain
from numerics.precision import ball
from theory.errors import BadInput

SAMPLES = 400


def refuse_complex(expressions: Sequence[Any], domain: Domain) -> None:
    """Raise `BadInput` for an integrand that is complex somewhere, `NotCertified` for one with a pole in the domain."""
    for inner, what, where in _conditions(expressions, domain.variables):
        points = _points(domain)
        values = np.broadcast_to(Program([inner], domain.variables).floats(*points.T)[0], len(points))
        with np.errstate(invalid="ignore"):
            negative, positive = np.nonzero(values < 0)[0], np.nonzero(values > 0)[0]
        if what == "sign":
            if len(negative) and len(positive):
                ends = [_exactly(points[k[0]], domain.variables) for k in (negative, positive)]
                if ball(inner.subs(ends[0])) < 0 and ball(inner.subs(ends[1])) > 0:
                    raise NotCertified(
                        f"the integrand has a pole in the domain: {where} sees {inner}, which changes sign between "
                        f"{_shown(ends[0])} and {_shown(ends[1])}; restrict the domain"
                    )
        elif len(negative):
            point = _exactly(points[negative[values[negative].argmin()]], domain.variables)
            value = ball(inner.subs(point))
            if value < 0:
                raise BadInput(
                    f"the integrand is not real: {where} sees {inner} = {float(value):.3g} at {_shown(point)}; "
                    "restrict the domain"
                )


def _conditions(expressions: Sequence[Any], variables: Sequence[sp.Symbol]) -> Iterator[tuple[Any, str, Any]]:
    for expr in expressions:
        for part in sp.preorder_traversal(expr):
            if isinstance(part, sp.log) and part.has(*variables):
                yield part.args[0], "positive", part
            if isinstance(part, sp.tan | sp.coth) and part.has(*variables):
                yield (sp.cos if isinstance(part, sp.tan) else sp.sinh)(part.args[0]), "sign", part
            if isinstance(part, sp.Pow) and part.args[0].has(*variables) and part.args[0] != sp.E:
                base, exponent = part.args
                if not exponent.is_Integer:
                    yield base, "positive", part
                elif exponent < 0:
                    yield base, "sign", part


def _points(domain: Domain) -> np.ndarray:
    """Samples inside the domain, all dyadic: spread over intervals, near and far on lines."""
    random = np.random.default_rng(1)
    low, high = domain.float_ends()
    columns = []
    for a, b in zip(low, high, strict=True):
        if np.isfinite(a) and np.isfinite(b):
            columns.append(a + (b - a) * random.uniform(0.001, 0.999, SAMPLES))
            continue
        size = np.exp(random.normal(size=SAMPLES) * 2)
        sign = random.choice([-1, 1], SAMPLES)
        columns.append(a + size if np.isfinite(a) else b - size if np.isfinite(b) else sign * size)
    return np.stack(columns, axis=1)


def _exactly(point: np.ndarray, variables: Sequence[sp.Symbol]) -> dict[sp.Symbol, sp.Rational]:
    return {v: sp.Rational(*float(x).as_integer_ratio()) for v, x in zip(variables, point, strict=True)}


def _shown(point: dict[sp.Symbol, sp.Rational]) -> str:
    return ", ".join(f"{v} = {float(x):.4g}" for v, x in point.items())
