"""Polynomials whose coefficients are intervals with exact rational ends: the set of all polynomials with coefficients in them."""

from flint import fmpq

Exponents = tuple[int, ...]
Bounds = tuple[fmpq, fmpq]
ZERO, ONE = fmpq(0), fmpq(1)


def _times(a: Bounds, b: Bounds) -> Bounds:
    ends = [x * y for x in a for y in b]
    return min(ends), max(ends)


class IntervalPolynomial:
    """Σ [a_α, b_α] w^α in `count` variables; exact rational intervals."""

    def __init__(self, count: int, terms: dict[Exponents, Bounds]):
        self.count = count
        self.terms = {alpha: c for alpha, c in terms.items() if c != (ZERO, ZERO)}

    @staticmethod
    def constant(count: int, low: fmpq, high: fmpq) -> "IntervalPolynomial":
        return IntervalPolynomial(count, {(0,) * count: (low, high)})

    def __add__(self, other: "IntervalPolynomial") -> "IntervalPolynomial":
        terms = dict(self.terms)
        for alpha, (a, b) in other.terms.items():
            low, high = terms.get(alpha, (ZERO, ZERO))
            terms[alpha] = (low + a, high + b)
        return IntervalPolynomial(self.count, terms)

    def __mul__(self, other: "IntervalPolynomial") -> "IntervalPolynomial":
        terms: dict[Exponents, Bounds] = {}
        for alpha, a in self.terms.items():
            for beta, b in other.terms.items():
                key = tuple(x + y for x, y in zip(alpha, beta, strict=True))
                low, high = _times(a, b)
                old = terms.get(key, (ZERO, ZERO))
                terms[key] = (old[0] + low, old[1] + high)
        return IntervalPolynomial(self.count, terms)

    def __neg__(self) -> "IntervalPolynomial":
        return IntervalPolynomial(self.count, {alpha: (-b, -a) for alpha, (a, b) in self.terms.items()})

    def power(self, n: int) -> "IntervalPolynomial":
        """The n-th power, with tight even powers of a single term."""
        if n == 0:
            return IntervalPolynomial.constant(self.count, ONE, ONE)
        if len(self.terms) == 1:
            ((alpha, (a, b)),) = self.terms.items()
            ends = [a**n, b**n]
            low = ZERO if n % 2 == 0 and a <= 0 <= b else min(ends)
            return IntervalPolynomial(self.count, {tuple(n * e for e in alpha): (low, max(ends))})
        result = self
        for _ in range(n - 1):
            result = result * self
        return result

    def infimum(self) -> fmpq | None:
        """A lower bound over R^count, where even terms with coefficients ≥ 0 and a constant are all there is."""
        low = ZERO
        for alpha, (a, _) in self.terms.items():
            if not any(alpha):
                low += a
            elif any(e % 2 for e in alpha) or a < 0:
                return None
        return low

    def range(self) -> Bounds | None:
        """The interval, where only a constant is there."""
        if any(any(alpha) for alpha in self.terms):
            return None
        return self.terms.get((0,) * self.count, (ZERO, ZERO))
