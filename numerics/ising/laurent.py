"""Integer Laurent polynomials in x = e^{βJ} and y = e^{βh}, and their quotients: exact functions of β and h.

Idea
----
Every sum over states is Σ_{a,b} N_ab x^a y^b with integers N_ab. Products, quotients and derivatives stay exact:

    ∂_β = J x∂_x + h y∂_y (at fixed J, h),    ∂_h = β y∂_y,

where x∂_x and y∂_y multiply the monomial x^a y^b by a and by b. A number comes in only at the end: `exact` at rational x
and y, `at` as a ball at any β.

Reading order: `Laurent`, `Ratio`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq, fmpz, fmpz_mpoly, fmpz_mpoly_ctx, fmpz_poly

from numerics.precision import LOG2_10, Exact, ball, digits, rational
from theory.errors import BadInput

RING = fmpz_mpoly_ctx.get(["x", "y"], "lex")
ATTEMPTS = 5


@dataclass(frozen=True)
class Laurent:
    """x^−lift[0] y^−lift[1] · polynomial(x, y), with an integer polynomial."""

    polynomial: fmpz_mpoly
    lift: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, terms: Mapping[tuple[int, int], int]) -> "Laurent":
        """Σ N_ab x^a y^b from {(a, b): N_ab}; negative exponents allowed."""
        lift = tuple(max([0, *(-exponents[k] for exponents in terms)]) for k in (0, 1))
        raised = {(a + lift[0], b + lift[1]): n for (a, b), n in terms.items() if n}
        return cls(RING.from_dict(raised), (lift[0], lift[1]))

    def terms(self) -> dict[tuple[int, int], int]:
        """{(a, b): N_ab}."""
        a, b = self.lift
        return {(int(i) - a, int(j) - b): int(n) for (i, j), n in self.polynomial.to_dict().items()}

    def _raised(self, lift: tuple[int, int]) -> fmpz_mpoly:
        x, y = RING.gens()
        return self.polynomial * x ** (lift[0] - self.lift[0]) * y ** (lift[1] - self.lift[1])

    def __add__(self, other: "Laurent") -> "Laurent":
        lift = (max(self.lift[0], other.lift[0]), max(self.lift[1], other.lift[1]))
        return Laurent(self._raised(lift) + other._raised(lift), lift)

    def __neg__(self) -> "Laurent":
        return Laurent(-self.polynomial, self.lift)

    def __sub__(self, other: "Laurent") -> "Laurent":
        return self + (-other)

    def __mul__(self, other: "Laurent | int") -> "Laurent":
        if isinstance(other, int):
            return Laurent(self.polynomial * other, self.lift)
        lift = (self.lift[0] + other.lift[0], self.lift[1] + other.lift[1])
        return Laurent(self.polynomial * other.polynomial, lift)

    __rmul__ = __mul__

    def __truediv__(self, other: "Laurent") -> "Ratio":
        return Ratio(self, other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Laurent):
            return False
        if self.lift == other.lift:
            return bool(self.polynomial == other.polynomial)
        return self.terms() == other.terms()

    def __hash__(self) -> int:
        return hash(frozenset(self.terms().items()))

    def is_zero(self) -> bool:
        return self.polynomial.is_zero()

    def x_derivative(self) -> "Laurent":
        """x ∂_x: every monomial times its exponent of x."""
        return Laurent.of({(a, b): a * n for (a, b), n in self.terms().items()})

    def y_derivative(self) -> "Laurent":
        """y ∂_y: every monomial times its exponent of y."""
        return Laurent.of({(a, b): b * n for (a, b), n in self.terms().items()})

    def without_field(self) -> "Laurent":
        """The value at y = 1 (h = 0), as a function of x."""
        total: dict[tuple[int, int], int] = {}
        for (a, _), n in self.terms().items():
            total[a, 0] = total.get((a, 0), 0) + n
        return Laurent.of(total)

    def in_u(self) -> fmpz_poly:
        """p with p(u) = (a power of x) · this, u = x² = e^{2βJ}, lowest power first; only for h = 0.

        Every Boltzmann weight of one lattice has exponents of one parity, so nothing is lost. Raises `BadInput` where y
        is left or the parities are mixed.
        """
        found = self.terms()
        lowest = min((a for a, _ in found), default=0)
        if any(b for _, b in found) or any((a - lowest) % 2 for a, _ in found):
            raise BadInput("a polynomial in u = x² needs exponents of one parity and no field; set y = 1 first")
        coefficients = [0] * (1 + max(((a - lowest) // 2 for a, _ in found), default=0))
        for (a, _), n in found.items():
            coefficients[(a - lowest) // 2] = n
        return fmpz_poly(coefficients)

    def exact(self, x: Exact, y: Exact = 1) -> fmpq:
        """The value at rational x, y ≠ 0."""
        at = rational(x), rational(y)
        if not all(at):
            raise BadInput(f"a Laurent polynomial is evaluated at x, y ≠ 0; they are {at[0]} and {at[1]}")
        return _horner(self, *at, fmpq)

    def at(self, beta: object, J: object = 1, h: object = 0, n: int = 30) -> arb:
        """The value at x = e^{βJ}, y = e^{βh}, as a ball with n digits; β, J, h exact numbers or balls."""
        return _to_digits(lambda x, y: _horner(self, x, y, arb), beta, J, h, n)


@dataclass(frozen=True)
class Ratio:
    """numerator / denominator: an exact function of x and y. Equality is equality of functions."""

    numerator: Laurent
    denominator: Laurent

    def __add__(self, other: "Ratio") -> "Ratio":
        if self.denominator == other.denominator:
            return Ratio(self.numerator + other.numerator, self.denominator)
        top = self.numerator * other.denominator + other.numerator * self.denominator
        return Ratio(top, self.denominator * other.denominator)

    def __neg__(self) -> "Ratio":
        return Ratio(-self.numerator, self.denominator)

    def __sub__(self, other: "Ratio") -> "Ratio":
        return self + (-other)

    def __mul__(self, other: "Ratio | int") -> "Ratio":
        if isinstance(other, int):
            return Ratio(self.numerator * other, self.denominator)
        return Ratio(self.numerator * other.numerator, self.denominator * other.denominator)

    __rmul__ = __mul__

    def __truediv__(self, other: "Ratio") -> "Ratio":
        return Ratio(self.numerator * other.denominator, self.denominator * other.numerator)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ratio) and self.numerator * other.denominator == other.numerator * self.denominator

    def __hash__(self) -> int:
        raise TypeError("a Ratio has no canonical form to hash; compare with == instead")

    def _derivative(self, of: Callable[[Laurent], Laurent]) -> "Ratio":
        p, q = self.numerator, self.denominator
        return Ratio(of(p) * q - p * of(q), q * q)

    def x_derivative(self) -> "Ratio":
        """x ∂_x."""
        return self._derivative(Laurent.x_derivative)

    def y_derivative(self) -> "Ratio":
        """y ∂_y; at fixed β, ∂_h = β y∂_y."""
        return self._derivative(Laurent.y_derivative)

    def without_field(self) -> "Ratio":
        """The function at y = 1 (h = 0)."""
        return Ratio(self.numerator.without_field(), self.denominator.without_field())

    def exact(self, x: Exact, y: Exact = 1) -> fmpq:
        """The rational value at rational x, y."""
        return self.numerator.exact(x, y) / self.denominator.exact(x, y)

    def at(self, beta: object, J: object = 1, h: object = 0, n: int = 30) -> arb:
        """The value at x = e^{βJ}, y = e^{βh}, as a ball with n digits (see `Laurent.at`)."""
        top, bottom = self.numerator, self.denominator
        return _to_digits(lambda x, y: _horner(top, x, y, arb) / _horner(bottom, x, y, arb), beta, J, h, n)


def _horner(p: Laurent, x: Any, y: Any, make: Any) -> Any:
    """p(x, y) in the arithmetic of `make` (arb or fmpq), x and y ≠ 0."""
    columns: dict[int, dict[int, fmpz]] = {}
    for (a, b), n in p.polynomial.to_dict().items():
        columns.setdefault(int(b), {})[int(a)] = n
    total = make(0)
    for b, column in columns.items():
        row = make(0)
        for a in range(max(column), -1, -1):
            row = row * x + make(column.get(a, 0))
        total = total + row * y**b
    return total / (x ** p.lift[0] * y ** p.lift[1])


def _to_digits(compute: Callable[[arb, arb], arb], beta: object, J: object, h: object, n: int) -> arb:
    """`compute(x, y)` with n digits; where the value is (or may be) zero, or β is itself a ball, what can be had."""
    work, value = n + 5, arb.nan()
    for _ in range(ATTEMPTS):
        with digits(work):
            b = ball(beta)
            value = compute((b * ball(J)).exp(), (b * ball(h)).exp())
        if value.rel_accuracy_bits() >= math.ceil(n * LOG2_10) or value.is_zero():
            break
        work *= 2
    return value
