"""The domain of an integral: a product of intervals, bounded or not."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from flint import arb

from numerics.precision import ball
from theory.errors import BadInput


class Domain(NamedTuple):
    """A product of intervals: exact ends, ±oo for none."""

    variables: tuple[sp.Symbol, ...]
    ends: tuple[tuple[Any, Any], ...]

    @staticmethod
    def of(variables: Sequence[sp.Symbol], domain: Sequence[tuple[object, object]] | None) -> "Domain":
        """The domain as given by the user; None is R^d. Raises `BadInput` for what is not an interval."""
        names = tuple(variables)
        pairs = [(-sp.oo, sp.oo)] * len(names) if domain is None else list(domain)
        if len(pairs) != len(names):
            raise BadInput(
                f"the domain needs one pair (lower, upper) per variable; it has {len(pairs)}, not {len(names)}"
            )
        ends = []
        for low, high in pairs:
            a, b = sp.sympify(low), sp.sympify(high)
            if not (a.is_extended_real and b.is_extended_real and a < b):
                raise BadInput(f"the domain ({a}, {b}) is not an interval lower < upper")
            ends.append((a, b))
        return Domain(names, tuple(ends))

    @property
    def unbounded(self) -> list[int]:
        return [i for i, ends in enumerate(self.ends) if any(e.is_infinite for e in ends)]

    @property
    def lines(self) -> bool:
        """Whether the unbounded variables run over whole lines."""
        return all(end.is_infinite for i in self.unbounded for end in self.ends[i])

    def float_ends(self) -> tuple[np.ndarray, np.ndarray]:
        """The ends [d] as floats, rounded outward where they are not floats."""
        low = [-math.inf if a.is_infinite else _float_end(a, -math.inf) for a, _ in self.ends]
        high = [math.inf if b.is_infinite else _float_end(b, math.inf) for _, b in self.ends]
        return np.array(low), np.array(high)

    def without(self, variables: Sequence[sp.Symbol]) -> "Domain":
        keep = [i for i, v in enumerate(self.variables) if v not in variables]
        return Domain(tuple(self.variables[i] for i in keep), tuple(self.ends[i] for i in keep))


def _float_end(end: Any, direction: float) -> float:
    value = ball(end)
    near = float(value)
    return near if value.is_exact() and arb(near) == value else math.nextafter(near, direction)
