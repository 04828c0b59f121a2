"""A slow, independent checker of the certificates of the trapezoid rule, in ball arithmetic throughout.

Idea
----
`trapezoid` searches in floating point and proves with verified float64 bounds. What it finds is written down in a
`Certificate`, and here every inequality behind the error bound is proved again by other means: exact rational
polynomials and Arb balls, no float64, no code in common with the search. A reader who trusts this file and python-flint
need not trust the search.

With w = x₀ + A y, P(y) = t·loss + (exponent of the prior) − level, f the amplitude, steps h_j, shifts a_j, the claim is

    | e^{level} ∫ f e^{−t·loss} prior dw − |det A| Π h_j Σ_k f(hk) e^{−P(hk)} | ≤ |det A| Σ_j 2 M_j / (e^{2πa_j/h_j} − 1)

(theorem T2 of `trapezoid`), and the ball in the certificate is to hold everything the left side allows. Checked are

1. *frame*: |det A| is what is claimed, and the frames of the tails are inverse to their inverses, all exactly;
2. *growth* (theorem T4 of `tails`): Re P(y + i b e_j) ≥ m N(u) for N ≥ 1, 0 ≤ b ≤ a_j, by branch and bound on the faces;
3. *tail*: the bound of the grid sum outside {N ≤ 1};
4. *mass*: M_j ≥ Π_{i<j} h_i Σ ∫ |f e^{−P}|(y + i a_j e_j), from the Taylor coefficients of P at complex points;
5. *error*: the radius covers Σ_j 2 q_j M_j and the tail;
6. *sum*: the grid is summed again, and sum and errors lie in the claimed ball.

**Box rule for the masses.** On a box z = c + i a e_j + δ, |δ_i| ≤ r_i, let T_β = Re P^{(β)}(c + i a e_j)/β!. Then

    Re P(z) = T_0 + Σ_i T_i δ_i + ρ,  −ρ₋ ≤ ρ ≤ ρ₊,  ρ₋ = Σ_{|β| ≥ 2} (|T_β| if β odd else max(−T_β, 0)) r^β,

and the exponential of the linear part is integrated (or summed over its grid points) in closed form. Two-sided bounds
follow, so a mass is either confirmed or *refuted*. A variable that is already summed is not widened to an interval:
its boxes are ranges of grid indices, and count their points exactly.

Reading order: `Certificate`, `check`, then the six `_confirm_…`.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import sympy as sp
from flint import acb, acb_mat, arb, arb_mat, ctx, fmpq, fmpq_mat, fmpq_mpoly, fmpq_mpoly_ctx

from numerics.errors import NotCertified
from numerics.precision import Exact, expression, rational

COARSE_BITS = 96
DEEPER = 30
MAX_BOXES = 200_000
MAX_FACE_BOXES = 40_000
NEARLY_ZERO = arb(2) ** -20

Terms = dict[tuple[int, ...], fmpq]


class Growth(NamedTuple):
    """The claim Re P ≥ m N(u) for N(u) = max_j |u_j/radii_j|^{powers_j} ≥ 1, where u = matrix·y + shift."""

    matrix: tuple[tuple[fmpq, ...], ...]
    inverse: tuple[tuple[fmpq, ...], ...]
    shift: tuple[fmpq, ...]
    radii: tuple[fmpq, ...]
    powers: tuple[int, ...]
    m: fmpq


class Certificate(NamedTuple):
    """What the proof of one integral rests on: w = centre + matrix·y, P(y) = t·loss + … − level.

    determinant: |det matrix|. steps h_j, shifts a_j, masses M_j of this amplitude. tail: the growth of P, line_tails:
    of Re P on the lines shifted along each axis. tail_bound: Π h Σ |f| e^{−P} outside {N ≤ 1}. value: the ball claimed
    to contain e^{level} ∫ f e^{−t·loss} prior dw. points: how many grid points were summed (for information).
    """

    level: fmpq
    centre: tuple[fmpq, ...]
    matrix: tuple[tuple[fmpq, ...], ...]
    determinant: fmpq
    steps: tuple[fmpq, ...]
    shifts: tuple[fmpq, ...]
    masses: tuple[arb, ...]
    tail: Growth
    line_tails: tuple[Growth, ...]
    tail_bound: arb
    value: arb
    points: int


def check(
    certificate: Certificate,
    loss: object,
    variables: Sequence[sp.Symbol],
    t: Exact,
    *,
    prior: object = 1,
    f: object = 1,
) -> arb:
    """A ball that contains ∫ f e^{−t·loss} prior dw, all inequalities behind it proved here; it lies in the claimed ball.

    loss, f: polynomials in `variables` with rational coefficients; prior: a polynomial times exp(polynomial); t > 0.
    Raises `NotCertified`, with the inequality that fails (or could not be decided), if the certificate does not hold.
    """
    c, names = certificate, tuple(variables)
    potential, amplitude = _problem(loss, prior, f, names, t)
    _confirm_shapes(c, len(names))
    _confirm_frame(c)
    p = _substituted(potential, c.centre, c.matrix) - c.level
    g = _substituted(amplitude, c.centre, c.matrix)
    with ctx.workprec(COARSE_BITS):
        _confirm_growth(p, c.tail, "the growth of P")
        bound = _tail_bound(c.tail, _absolute(g), c.steps)
        _require(
            not bound > c.tail_bound, "tail", f"the tail of the grid sum is bounded by {bound.str(5)}", c.tail_bound
        )
        for axis, (shift, growth) in enumerate(zip(c.shifts, c.line_tails, strict=True)):
            _confirm_growth(p, growth, f"the growth of Re P on the lines shifted along axis {axis + 1}", axis, shift)
            _confirm_mass(p, g, axis, c)
    with ctx.workprec(_bits(c)):
        error = _confirm_error(c, bound)
        return _confirm_sum(c, p, g, error) * (-arb(c.level)).exp()


def outside(
    c: Certificate, loss: object, variables: Sequence[sp.Symbol], t: Exact, *, prior: object = 1, f: object = 1
) -> tuple[tuple[fmpq, ...], arb]:
    """(e, B): outside |y_i| ≤ e_i, w = centre + matrix·y, the integral of |f| e^{−t·loss} prior e^{level} dy is ≤ B.

    Proved here from the growth of the potential alone, for other quadratures that need a bounded region. Raises
    `NotCertified` as `check` does.
    """
    potential, amplitude = _problem(loss, prior, f, tuple(variables), t)
    _confirm_shapes(c, len(variables))
    _confirm_frame(c)
    p, g = (_substituted(q, c.centre, c.matrix) for q in (potential, amplitude))
    with ctx.workprec(COARSE_BITS):
        _confirm_growth(p - c.level, c.tail, "the growth of P")
        return tuple(_enclosing(c.tail)), _tail_bound(c.tail, _absolute(g), [fmpq(0)] * len(variables)).upper()


def _require(holds: bool, inequality: str, found: str, claimed: object) -> None:
    if not holds:
        shown = claimed.str(5) if isinstance(claimed, arb) else claimed
        raise NotCertified(f"the certificate fails at the inequality '{inequality}': {found}; claimed: {shown}")


def _bits(c: Certificate) -> int:
    """Enough bits for the sum to be much finer than the claimed radius."""
    scale = max([abs(c.value).upper(), *(m * arb(c.determinant) for m in c.masses)])
    radius = c.value.rad()
    if not (scale > 0 and radius > 0):
        return 4 * COARSE_BITS
    return COARSE_BITS + max(0, math.ceil(float((scale / radius).log()) / math.log(2)))


# --- the problem, exactly ---------------------------------------------------------------------------------------------


def _ring(dimension: int) -> fmpq_mpoly_ctx:
    return fmpq_mpoly_ctx.get([f"v{i}" for i in range(dimension)], "lex")


def _problem(
    loss: object, prior: object, f: object, names: tuple[sp.Symbol, ...], t: Exact
) -> tuple[fmpq_mpoly, fmpq_mpoly]:
    """The potential V and the amplitude F with f e^{−t·loss} prior = F e^{−V}."""
    exponent, amplitude = sp.S.Zero, sp.S.One
    for factor in sp.Mul.make_args(sp.powsimp(_exact(prior))):
        base, power = factor.as_base_exp()
        if base == sp.E:
            exponent += power
        else:
            amplitude *= factor
    v = _polynomial(_exact(loss), names) * rational(t) - _polynomial(exponent, names)
    return v, _polynomial(amplitude * _exact(f), names)


def _exact(value: object) -> Any:
    tree = expression(value)
    numbers = {n: rational(n) for n in tree.atoms(sp.Float)}
    return tree.xreplace({n: sp.Rational(int(q.p), int(q.q)) for n, q in numbers.items()})


def _polynomial(expr: Any, names: tuple[sp.Symbol, ...]) -> fmpq_mpoly:
    if not expr.is_polynomial(*names):
        raise NotCertified(f"certificates are for polynomials; {expr} is not one")
    return _ring(len(names)).from_dict({alpha: rational(c) for alpha, c in sp.Poly(expr, *names).terms()})


def _terms(p: fmpq_mpoly) -> Terms:
    return {tuple(int(e) for e in alpha): c for alpha, c in p.to_dict().items()}


def _absolute(p: fmpq_mpoly) -> fmpq_mpoly:
    return p.context().from_dict({alpha: abs(c) for alpha, c in _terms(p).items()})


def _substituted(p: fmpq_mpoly, offset: Sequence[fmpq], matrix: Sequence[Sequence[fmpq]]) -> fmpq_mpoly:
    """p(offset + matrix·v) for the first variables of the ring; further ones stay as they are."""
    ring = p.context()
    v = ring.gens()
    images = [sum((a * x for a, x in zip(row, v, strict=False)), ring.constant(b)) for row, b in zip(matrix, offset)]  # noqa: B905
    return p.compose(*images, *v[len(images) :], ctx=ring)


# --- 1. shapes and frames ---------------------------------------------------------------------------------------------


def _confirm_shapes(c: Certificate, d: int) -> None:
    lists = (c.centre, c.matrix, c.steps, c.shifts, c.masses, c.line_tails)
    _require(all(len(part) == d for part in lists), "shape", f"the problem has {d} variables", [len(x) for x in lists])
    _require(all(h > 0 for h in c.steps), "steps", "every step must be > 0", c.steps)
    _require(all(a > 0 for a in c.shifts), "shifts", "every shift must be > 0", c.shifts)
    for growth in (c.tail, *c.line_tails):
        parts = (growth.matrix, growth.inverse, growth.shift, growth.radii, growth.powers)
        _require(all(len(x) == d for x in parts), "shape", f"a frame needs {d} entries", [len(x) for x in parts])
        sound = growth.m > 0 and all(r > 0 for r in growth.radii) and all(n > 0 and n % 2 == 0 for n in growth.powers)
        _require(sound, "growth", "m and the radii must be > 0, the powers even", growth[3:])


def _confirm_frame(c: Certificate) -> None:
    determinant = abs(fmpq_mat([list(row) for row in c.matrix]).det())
    _require(determinant == c.determinant, "frame", f"|det A| = {determinant}", c.determinant)
    _require(determinant > 0, "frame", "the matrix A is singular", c.matrix)
    d = len(c.matrix)
    identity = fmpq_mat([[fmpq(int(i == j)) for j in range(d)] for i in range(d)])
    for growth in (c.tail, *c.line_tails):
        s, inverse = (fmpq_mat([list(row) for row in m]) for m in (growth.matrix, growth.inverse))
        _require(s * inverse == identity, "frame", "S·S⁻¹ is not the identity", growth.matrix)


# --- Taylor coefficients on boxes -------------------------------------------------------------------------------------


class _Taylor:
    """The Taylor coefficients T_β(z) of a polynomial at complex points, as balls."""

    def __init__(self, p: fmpq_mpoly):
        terms = _terms(p)
        self.dimension = p.context().nvars()
        below = {gamma for alpha in terms for gamma in product(*(range(e + 1) for e in alpha))}
        below.add((0,) * self.dimension)
        self.exponents = sorted(below, key=lambda g: (sum(g), g))
        index = {gamma: i for i, gamma in enumerate(self.exponents)}
        self._steps = [self._step(gamma, index) for gamma in self.exponents[1:]]
        n = len(index)
        rows = [[arb(0)] * n for _ in range(n)]
        for alpha, c in terms.items():
            for beta in product(*(range(e + 1) for e in alpha)):
                gamma = tuple(a - b for a, b in zip(alpha, beta, strict=True))
                rows[index[beta]][index[gamma]] = arb(c * math.prod(map(math.comb, alpha, beta)))
        self._matrix = arb_mat(rows)  # T_β(z) = Σ_γ c_{β+γ} binom(β+γ, β) z^γ
        self._complex = acb_mat(self._matrix)
        self.first = [index.get(tuple(int(i == j) for j in range(self.dimension))) for i in range(self.dimension)]
        higher = [(k, beta) for k, beta in enumerate(self.exponents) if sum(beta) > 1]
        self.odd = [k for k, beta in higher if any(e % 2 for e in beta)]
        self.even = [k for k, beta in higher if not any(e % 2 for e in beta)]
        self.shares = [[(k, beta[i] / sum(beta)) for k, beta in higher if beta[i]] for i in range(self.dimension)]

    @staticmethod
    def _step(gamma: tuple[int, ...], index: dict[tuple[int, ...], int]) -> tuple[int, int]:
        """(position of γ − e_i, i): a monomial is an earlier one times a variable."""
        i = next(i for i, e in enumerate(gamma) if e)
        return index[tuple(e - (j == i) for j, e in enumerate(gamma))], i

    def monomials(self, z: Sequence[Any]) -> list[Any]:
        values: list[Any] = [arb(1)]
        for before, i in self._steps:
            values.append(values[before] * z[i])
        return values

    def __call__(self, z: Sequence[Any]) -> list[Any]:
        values = self.monomials(z)
        if any(isinstance(x, acb) for x in z):
            return (self._complex * acb_mat(len(values), 1, values)).entries()
        return (self._matrix * arb_mat(len(values), 1, values)).entries()


class _Local(NamedTuple):
    """On a box: P = T_0 + Σ slope_i δ_i + ρ with −below ≤ ρ ≤ above; what each axis costs the bounds (for steering)."""

    value: arb
    slopes: list[arb]
    below: arb
    above: arb
    costs: list[float]


def _local(taylor: _Taylor, z: Sequence[Any], radii: Sequence[arb]) -> _Local:
    coefficients = [t.real if isinstance(t, acb) else t for t in taylor(z)]
    terms = [t * r for t, r in zip(coefficients, taylor.monomials(radii), strict=True)]
    odd = sum((abs(terms[k]) for k in taylor.odd), arb(0))
    even = [terms[k] for k in taylor.even]
    below = odd - sum((min(e.lower(), arb(0)) for e in even), arb(0))
    above = odd + sum((max(e.upper(), arb(0)) for e in even), arb(0))
    sizes = [abs(float(e.mid())) for e in terms]
    costs = [sum(sizes[k] * share for k, share in shares) for shares in taylor.shares]
    slopes = [arb(0) if k is None else coefficients[k] for k in taylor.first]
    return _Local(coefficients[0], slopes, below.upper(), above.upper(), costs)


def _sup_and_inf(taylor: _Taylor, z: Sequence[Any], radii: Sequence[arb]) -> tuple[arb, arb]:
    """Bounds of |f| on the box: |T_0| ± Σ_{β ≠ 0} |T_β| r^β."""
    coefficients, reach = taylor(z), taylor.monomials(radii)
    spread = sum((abs(t) * r for t, r in zip(coefficients[1:], reach[1:], strict=True)), arb(0))
    middle = abs(coefficients[0])
    return (middle + spread).upper(), max((middle - spread).lower(), arb(0))


# --- 2. growth and 3. tails -------------------------------------------------------------------------------------------


def _shifted(p: fmpq_mpoly, axis: int, a: fmpq) -> fmpq_mpoly:
    """Re P(y + i b e_axis) with b² = a²θ, a polynomial in (y, θ): Re (y + ib)^n = Σ_k binom(n, 2k) (−b²)^k y^{n−2k}."""
    d = p.context().nvars()
    result: Terms = {}
    for alpha, c in _terms(p).items():
        n = alpha[axis]
        for k in range(n // 2 + 1):
            key = (*(e - 2 * k * (i == axis) for i, e in enumerate(alpha)), k)
            result[key] = result.get(key, fmpq(0)) + c * math.comb(n, 2 * k) * (-(a**2)) ** k
    return _ring(d + 1).from_dict(result)


def _confirm_growth(p: fmpq_mpoly, growth: Growth, what: str, axis: int = 0, a: fmpq = fmpq(0)) -> None:  # noqa: B008
    """Re P(y + i b e_axis) ≥ m N for N ≥ 1: for b = a, with uniform decay for 0 ≤ b ≤ a.

    Monomials above the simplex Σ α_i/n_i ≤ 1 are dropped where they are ≥ 0 for all b. If none is there, b enters only
    with monomials strictly below the simplex, which vanish on the faces s = 0; by compactness the growth for b = a then
    carries over, with another m, to all b, and θ = 1 may be set. Otherwise the bound is proved for all θ ∈ [0, 1].
    """
    offset = [-sum((x * s for x, s in zip(row, growth.shift, strict=True)), fmpq(0)) for row in growth.inverse]
    d = len(offset)
    by_monomial: dict[tuple[int, ...], dict[int, fmpq]] = {}
    for alpha, c in _terms(_substituted(_shifted(p, axis, a), offset, growth.inverse)).items():
        by_monomial.setdefault(alpha[:d], {})[alpha[d]] = c
    weight = {alpha: sum(Fraction(e, n) for e, n in zip(alpha, growth.powers, strict=True)) for alpha in by_monomial}
    above = [alpha for alpha in by_monomial if weight[alpha] > 1]
    for alpha in above:
        coefficients = by_monomial.pop(alpha)
        least = coefficients.get(0, fmpq(0)) + sum((min(c, fmpq(0)) for k, c in coefficients.items() if k), fmpq(0))
        _require(
            least >= 0 and not any(e % 2 for e in alpha), "growth", f"{what}: u^{alpha} is not dominated", growth.powers
        )
    uniform = not above and all(weight[alpha] < 1 for alpha, c in by_monomial.items() if any(c))
    kept: Terms = {}
    for alpha, coefficients in by_monomial.items():
        for k, c in coefficients.items():
            key = (*alpha, 0 if uniform else k)
            kept[key] = kept.get(key, fmpq(0)) + c
    for j, sign in product(range(d), (1, -1)):
        _confirm_face(kept, growth, j, sign, what)


def _confirm_face(terms: Terms, growth: Growth, j: int, sign: int, what: str) -> None:
    """s^q P ≥ m for u_j = sign·R_j s^{−q/n_j}, u_i = R_i s^{−q/n_i} v_i, s ∈ [0, 1], v ∈ [−1, 1]^{d−1}, θ ∈ [0, 1]."""
    d, q = len(growth.powers), math.lcm(*growth.powers)
    face: Terms = {}
    for alpha, c in terms.items():
        power = q - sum(q // n * e for e, n in zip(alpha, growth.powers, strict=False))
        scale = math.prod((r**e for r, e in zip(growth.radii, alpha, strict=False)), start=fmpq(sign) ** alpha[j])
        key = (*alpha[:j], power, *alpha[j + 1 :])
        face[key] = face.get(key, fmpq(0)) + c * scale
    taylor, least = _Taylor(_ring(d + 1).from_dict(face)), arb(growth.m)
    theta = any(alpha[d] for alpha in face)
    half = fmpq(1, 2)
    ranges = [(half, half) if i == j else (fmpq(0), fmpq(1)) for i in range(d)]
    stack = [[*ranges, (half, half) if theta else (fmpq(1), fmpq(0))]]
    for _ in range(MAX_FACE_BOXES):
        if not stack:
            return
        box = stack.pop()
        radii = [arb(r) for _, r in box]
        local = _local(taylor, [arb(c) for c, _ in box], radii)
        costs = [
            cost + abs(float(s.mid())) * float(r) for cost, s, r in zip(local.costs, local.slopes, radii, strict=True)
        ]
        _require(not local.value < least, "growth", f"{what}: s^q P = {local.value.str(8)} at a point of a face", least)
        spread = sum((abs(s) * r for s, r in zip(local.slopes, radii, strict=True)), arb(0))
        if not local.value - spread - local.below >= least:
            i = costs.index(max(costs))
            centre, radius = box[i]
            stack += [[*box[:i], (centre + side * radius / 2, radius / 2), *box[i + 1 :]] for side in (-1, 1)]
    _require(not stack, "growth", f"{what}: undecided after {MAX_FACE_BOXES} boxes", least)


def _tail_bound(growth: Growth, majorant: fmpq_mpoly, steps: Sequence[fmpq]) -> arb:
    """Π h Σ_{N>1} |f| e^{−P} ≤ V F e^{−m} (1 + |w|/(m − a)) with V = Π_j (2R_j + Σ_i |S_ji| h_i)/|det S|, |f| ≤ F N^k.

    Layer cake: {N ≤ r} holds grid cells of volume ≤ V r^{|w|}; ∫_1^∞ r^{k+|w|−1} e^{−mr} dr ≤ e^{−m}/(m − a) with
    a = max(k + |w| − 1, 0). A step 0 stands for a variable that is integrated. majorant: |f(y)| ≤ g(|y|).
    """
    rows = [[abs(x) for x in row] for row in growth.inverse]
    offset = [sum((x * abs(s) for x, s in zip(row, growth.shift, strict=True)), fmpq(0)) for row in rows]
    size, k = fmpq(0), Fraction(0)
    for alpha, c in _terms(_substituted(majorant, offset, rows)).items():
        size += c * math.prod((r**e for r, e in zip(growth.radii, alpha, strict=True)), start=fmpq(1))
        k = max(k, sum((Fraction(e, n) for e, n in zip(alpha, growth.powers, strict=True)), Fraction(0)))
    total = sum((Fraction(1, n) for n in growth.powers), Fraction(0))
    excess = max(k + total - 1, Fraction(0))
    _require(
        growth.m > _fmpq(max(excess, k)), "tail", f"the amplitude grows like N^{k}, which needs a larger m", growth.m
    )
    volume = 1 / abs(fmpq_mat([list(row) for row in growth.matrix]).det())
    for row, radius in zip(growth.matrix, growth.radii, strict=True):
        volume *= 2 * radius + sum((abs(s) * h for s, h in zip(row, steps, strict=True)), fmpq(0))
    return arb(volume * size * (1 + _fmpq(total) / (growth.m - _fmpq(excess)))) * (-arb(growth.m)).exp()


def _fmpq(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def _enclosing(growth: Growth) -> list[fmpq]:
    """e with {N ≤ 1} ⊂ {|y_i| ≤ e_i}: |y_i| ≤ Σ_j |S⁻¹_ij| (R_j + |shift_j|)."""
    reach = [r + abs(s) for r, s in zip(growth.radii, growth.shift, strict=True)]
    return [sum((abs(x) * r for x, r in zip(row, reach, strict=True)), fmpq(0)) for row in growth.inverse]


# --- 4. masses --------------------------------------------------------------------------------------------------------


class _Side(NamedTuple):
    """One side of a box: an interval of y (step 0), or the grid points first·step, …, last·step."""

    first: fmpq
    last: fmpq
    step: fmpq

    @property
    def centre(self) -> fmpq:
        return (self.first + self.last) / 2 * (self.step or 1)

    @property
    def radius(self) -> fmpq:
        return (self.last - self.first) / 2 * (self.step or 1)

    @property
    def points(self) -> int:
        """Grid points, 0 for an interval."""
        return int((self.last - self.first + 1).p) if self.step else 0

    def halves(self) -> tuple["_Side", "_Side"]:
        middle = (self.first + self.last) / 2
        if not self.step:
            return self._replace(last=middle), self._replace(first=middle)
        below = fmpq(middle.floor())
        return self._replace(last=below), self._replace(first=below + 1)

    def weight(self, slope: arb) -> tuple[arb, arb]:
        """Bounds of ∫ e^{−slope·δ} dδ = 2 sinh(slope·r)/slope, or of step·Σ e^{−slope·δ}: upper, lower."""
        if self.points == 1:
            return arb(self.step), arb(self.step)
        size = abs(slope)
        high, low = size.upper(), max(size.lower(), arb(0))
        if self.step:
            n, half = self.points, arb(self.step) / 2

            def total(g: arb) -> arb:
                return arb(self.step) * (n * g * half).sinh() / (g * half).sinh()

            flat, bulge = n * arb(self.step), (n * high * half).cosh()
        else:
            r = arb(self.radius)

            def total(g: arb) -> arb:
                return 2 * (g * r).sinh() / g

            flat, bulge = 2 * r, (high * r).cosh()
        scale = NEARLY_ZERO / (arb(self.radius) + 1)
        return (total(high) if high > scale else flat * bulge).upper(), (total(low) if low > scale else flat).lower()


class _Piece(NamedTuple):
    """A box with proved bounds of its share of the mass; `axis` is where to halve it, `gap` = log (upper − lower)."""

    gap: float
    sides: tuple[_Side, ...]
    upper: arb
    lower: arb
    axis: int


def _log(x: arb) -> float:
    """log of a positive number, for steering."""
    if not x.is_finite():
        return math.inf
    return float(x.mid().log()) if x.mid() > 0 else -math.inf


class _Line:
    """|f e^{−P}| on the lines y + i a e_axis."""

    def __init__(self, p: fmpq_mpoly, f: fmpq_mpoly, axis: int, a: fmpq):
        self._p, self._f, self._axis, self._a = _Taylor(p), _Taylor(f), axis, a
        self._constant = abs(arb(f.leading_coefficient())) if f.is_constant() and not f.is_zero() else None

    def piece(self, sides: tuple[_Side, ...]) -> _Piece:
        z = [acb(arb(s.centre), arb(self._a)) if i == self._axis else arb(s.centre) for i, s in enumerate(sides)]
        radii = [arb(s.radius) for s in sides]
        local = _local(self._p, z, radii)
        if self._constant is None:
            sup, inf = _sup_and_inf(self._f, z, radii)
        else:
            sup = inf = self._constant
        upper = sup * (local.below - local.value).exp()
        lower = inf * (-local.above - local.value).exp()
        for side, slope in zip(sides, local.slopes, strict=True):
            high, low = side.weight(slope)
            upper, lower = upper * high, lower * low
        costs = [-1.0 if s.points == 1 else c for s, c in zip(sides, local.costs, strict=True)]
        if max(costs) <= 0:  # no curvature at all: the longest side
            costs = [-1.0 if s.points == 1 else float(arb(s.radius)) for s in sides]
        upper, lower = upper.upper(), max(lower.lower(), arb(0))
        done = all(s.points == 1 for s in sides)
        return _Piece(-math.inf if done else _log(upper - lower), sides, upper, lower, costs.index(max(costs)))


def _confirm_mass(p: fmpq_mpoly, f: fmpq_mpoly, axis: int, c: Certificate) -> None:
    """M_axis ≥ Π_{i<axis} h_i Σ ∫ |f e^{−P}|(y + i a e_axis): boxes inside {N ≤ 1}, the tail bound outside."""
    growth, a, claimed = c.line_tails[axis], c.shifts[axis], c.masses[axis]
    steps = [h if i < axis else fmpq(0) for i, h in enumerate(c.steps)]
    y = f.context().gens()
    majorant = _absolute(f).compose(*(v + a if i == axis else v for i, v in enumerate(y)), ctx=f.context())
    tail = _tail_bound(growth, majorant, steps)
    line = _Line(p, f, axis, a)
    pieces = [line.piece(tuple(_sides(_enclosing(growth), steps)))]
    name = f"M_{axis + 1}"
    while True:
        upper = sum((piece.upper for piece in pieces), tail)
        if upper <= claimed:
            return
        lower = sum((piece.lower for piece in pieces), arb(0))
        _require(not lower > claimed, "mass", f"{name} ≥ {lower.str(5)} on the line Im y_{axis + 1} = {a}", claimed)
        if len(pieces) > MAX_BOXES or pieces[0].gap == -math.inf:
            _require(False, "mass", f"{name} ≤ {upper.str(5)} is all that {len(pieces)} boxes prove", claimed)
        pieces = _refined(line, pieces)


def _refined(line: _Line, pieces: list[_Piece]) -> list[_Piece]:
    """Halve the box with the largest gap, again and again, until there are a fifth more."""
    heap = [(-piece.gap, i, piece) for i, piece in enumerate(pieces)]
    heapq.heapify(heap)
    for i in range(len(pieces), len(pieces) + len(pieces) // 5 + 16):
        piece = heap[0][2]
        if piece.gap == -math.inf:
            break
        first, second = (
            line.piece((*piece.sides[: piece.axis], half, *piece.sides[piece.axis + 1 :]))
            for half in piece.sides[piece.axis].halves()
        )
        heapq.heapreplace(heap, (-first.gap, heap[0][1], first))
        heapq.heappush(heap, (-second.gap, i, second))
    return [piece for _, _, piece in heap]


def _sides(enclosing: Sequence[fmpq], steps: Sequence[fmpq]) -> Iterator[_Side]:
    for e, h in zip(enclosing, steps, strict=True):
        last = fmpq((e / h).floor()) if h else e
        yield _Side(-last, last, h)


# --- 5. the error and 6. the sum --------------------------------------------------------------------------------------


def _confirm_error(c: Certificate, tail: arb) -> arb:
    """|det A| (Σ_j 2 M_j/(e^{2πa_j/h_j} − 1) + tail), proved to be no larger than the claimed radius."""
    error = tail
    for a, h, mass in zip(c.shifts, c.steps, c.masses, strict=True):
        error += 2 * mass / (2 * arb.pi() * arb(a / h)).expm1()
    error *= arb(c.determinant)
    _require(error <= c.value.rad(), "error", f"Σ 2 q_j M_j and the tail come to {error.str(5)}", c.value.rad())
    return error


def _confirm_sum(c: Certificate, p: fmpq_mpoly, f: fmpq_mpoly, error: arb) -> arb:
    """The grid sum again, in balls; with all errors it must lie in the claimed ball."""
    scale = arb(c.determinant) * arb(math.prod(c.steps, start=fmpq(1)))
    sides = tuple(_sides(_enclosing(c.tail), c.steps))
    radius = c.value.rad()
    points = math.prod(side.points for side in sides)
    height = arb(_absolute(f)(*_enclosing(c.tail))) + 1
    floor = (scale * points * height / radius).log() if radius > 0 else arb(ctx.prec)
    total, dead = _Grid(p, f, c.steps).sum(sides, float(floor) + DEEPER)
    total, error = total * scale, error + dead * scale
    distance = abs(total - c.value.mid()) + error
    _require(distance <= radius, "sum", f"the grid sums to {total.str(12)} ± {error.str(5)}", c.value)
    return total + arb(0, error.upper())


class _Grid:
    """Σ_k f(hk) e^{−P(hk)} over ranges of indices; ranges where P is proved large are bounded instead."""

    def __init__(self, p: fmpq_mpoly, f: fmpq_mpoly, steps: Sequence[fmpq]):
        self._bits = ctx.prec
        with ctx.workprec(COARSE_BITS):
            self._p, self._f = _Taylor(p), _Taylor(f)
        self._p_terms, self._f_terms = (self._in_indices(q, steps) for q in (p, f))
        self._leaf = 5 ** len(steps)

    @staticmethod
    def _in_indices(q: fmpq_mpoly, steps: Sequence[fmpq]) -> dict[tuple[int, ...], arb]:
        return {
            alpha: arb(c * math.prod((h**e for h, e in zip(steps, alpha, strict=True)), start=fmpq(1)))
            for alpha, c in _terms(q).items()
        }

    def sum(self, sides: tuple[_Side, ...], cut: float) -> tuple[arb, arb]:
        """(the sum over the points kept, a bound of Σ |f| e^{−P} over the ranges with inf P > cut)."""
        total, dead, stack = arb(0), arb(0), [sides]
        while stack:
            box = stack.pop()
            with ctx.workprec(COARSE_BITS):
                lost, axis = self._outcome(box, cut)
            if lost is not None:
                dead += lost
            elif math.prod(side.points for side in box) <= self._leaf:
                total += self._points(box, self._p_terms, self._f_terms)
            else:
                stack += [(*box[:axis], half, *box[axis + 1 :]) for half in box[axis].halves()]
        return total, dead

    def _outcome(self, box: tuple[_Side, ...], cut: float) -> tuple[arb | None, int]:
        """A bound of the sum over the box if P > cut there, and the axis to halve otherwise."""
        z, radii = [arb(s.centre) for s in box], [arb(s.radius) for s in box]
        local = _local(self._p, z, radii)
        slopes = [abs(s) * r for s, r in zip(local.slopes, radii, strict=True)]
        infimum = local.value - local.below - sum(slopes, arb(0))
        if infimum > cut:
            sup, _ = _sup_and_inf(self._f, z, radii)
            return (math.prod(s.points for s in box) * sup * (-infimum).exp()).upper(), 0
        costs = [c + float(s.mid()) for c, s in zip(local.costs, slopes, strict=True)]
        costs = [-1.0 if s.points == 1 else c for c, s in zip(costs, box, strict=True)]
        return None, costs.index(max(costs))

    def _points(self, box: tuple[_Side, ...], p: dict[tuple[int, ...], arb], f: dict[tuple[int, ...], arb]) -> arb:
        if not box:
            return f.get((), arb(0)) * (-p.get((), arb(0))).exp()
        first, last = int(box[0].first.p), int(box[0].last.p)
        return sum((self._points(box[1:], _fixed(p, k), _fixed(f, k)) for k in range(first, last + 1)), arb(0))


def _fixed(terms: dict[tuple[int, ...], arb], k: int) -> dict[tuple[int, ...], arb]:
    """The first variable replaced by the integer k."""
    result: dict[tuple[int, ...], arb] = {}
    for alpha, c in terms.items():
        value = c * k ** alpha[0] if alpha[0] else c
        result[alpha[1:]] = result[alpha[1:]] + value if alpha[1:] in result else value
    return result


__all__ = ["Certificate", "Growth", "check", "outside"]
