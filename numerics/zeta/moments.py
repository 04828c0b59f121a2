"""∫_0^1 x^a f(x) dx and its continuation in a, from the values of f at Gauss nodes: moments, weights, error bound.

Idea
----
The shifted Legendre polynomials P_n*(x) = P_n(2x − 1) have the moments

    m_n(a) = ∫_0^1 x^a P_n*(x) dx = Π_{j<n} (a − j) / Π_{j≤n} (a + 1 + j),

rational in a, with poles at a = −1, …, −n−1: analytic continuation costs nothing. If f is analytic on the Bernstein ellipse
E_ρ of [0, 1], with |f| ≤ M, then f = Σ l_n P_n* with

    |l_n| ≤ √(2n+1) · 2Mρ^{−n}/(1 − 1/ρ),                                                                    (*)

and ∫ x^a f = Σ l_n m_n(a) for every a that is no pole (both sides are analytic in a, they agree for Re a > −1, and the
series converges locally uniformly). Replacing l_n by N-point Gauss–Legendre sums for n < N gives weights

    W_k(a) = w_k Σ_{n<N} (2n+1) P_n*(x_k) m_n(a),      ∫ x^a f ≈ Σ_k W_k f(x_k),

exact on polynomials of degree < N, hence an error of at most Σ_{n≥N} |l_n| (|m_n| + Σ_k |W_k|).

Everything is a power series in δ at a = a_0 + κδ. If a_0 is a pole, m_n and W_k are multiplied by δ first (`Axis.pole`).
Error bounds are majorants: series whose coefficients bound the absolute values of the coefficients; majorants multiply.

Proof of (*). The Chebyshev coefficients of f satisfy |c_k| ≤ 2Mρ^{−k}, and l_n = Σ_{k≥n} c_k (2n+1)/2 ∫_{−1}^1 T_k P_n
with |∫ T_k P_n| ≤ ∫ |P_n| ≤ √2 ‖P_n‖_2 = 2/√(2n+1).

Notation: N nodes, ρ ellipse, J terms of every series, m̂ majorant.
Reading order: `Axis`, `axis`, `tail`; `multiply` and its neighbours for series, `capped` for those of flint.

References: L. N. Trefethen, "Approximation Theory and Approximation Practice" (2013), theorem 8.1 (Chebyshev coefficients);
H. Bateman, "Higher Transcendental Functions" vol. 2, 10.10 (the moments).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from flint import acb, acb_mat, arb, arb_mat, ctx, fmpq

from numerics.precision import LOG2_10, digits

Scalar = Any  # arb or acb
Series = list[Scalar]


@contextmanager
def capped(terms: int) -> Iterator[None]:
    """Let series of flint have so many terms inside the `with` block: it cuts all of them, by default at ten."""
    before, ctx.cap = ctx.cap, terms
    try:
        yield
    finally:
        ctx.cap = before


def multiply(p: Sequence[Scalar], q: Sequence[Scalar], terms: int) -> Series:
    """The first `terms` coefficients of p·q."""
    zero = 0 * p[0] * q[0] if p and q else arb(0)
    product = []
    for l in range(terms):
        pairs = [(i, l - i) for i in range(max(0, l - len(q) + 1), min(l + 1, len(p)))]
        product.append(sum((p[i] * q[j] for i, j in pairs), zero))
    return product


def inverse(p: Sequence[Scalar], terms: int) -> Series:
    """The first `terms` coefficients of 1/p, p[0] ≠ 0."""
    result = [1 / p[0]]
    for l in range(1, terms):
        result.append(-sum((p[j] * result[l - j] for j in range(1, min(l, len(p) - 1) + 1)), 0 * p[0]) / p[0])
    return result


def linear(constant: Scalar, slope: Scalar, terms: int) -> Series:
    return [constant, 0 * constant + slope, *[0 * constant] * terms][:terms]


def majorant(p: Sequence[Scalar]) -> list[arb]:
    """Upper bounds of the absolute values of the coefficients."""
    return [arb(abs(c).upper()) for c in p]


class Axis(NamedTuple):
    """One coordinate at a = a_0 + κδ: nodes in [0, 1], weights [N][J], majorants of the rule and of its error."""

    pole: int
    nodes: tuple[arb, ...]
    weights: list[Series]
    rule: list[arb]
    integral: list[arb]
    error: list[arb]


def moments(a: Scalar, slope: fmpq, pole: int | None, count: int, terms: int) -> list[Series]:
    """m_0, …, m_{count−1} as series in δ; times δ if a = −1 − pole with slope ≠ 0."""
    one = 0 * a + 1
    k = one * slope
    extra = terms + 1 if pole is not None else terms

    def step(p: Series, numerator: Series, denominator: Series) -> Series:
        return multiply(multiply(p, numerator, extra), inverse(denominator, extra), extra)

    found = []
    shifted = pole is None
    current = [one, *[0 * one] * (extra - 1)]
    for n in range(count):
        if n:
            current = multiply(current, linear(a - (n - 1), k, extra), extra)
        if pole == n:
            current = [c / k for c in current]  # the division by a + 1 + pole = κδ, and the factor δ
            shifted = True
        else:
            current = multiply(current, inverse(linear(a + (n + 1), k, extra), extra), extra)
        found.append(current[:terms] if shifted else [0 * one, *current][:terms])
    return found


@cache
def gauss(count: int, bits: int) -> tuple[tuple[arb, ...], tuple[tuple[arb, ...], ...]]:
    """Nodes x_k in [0, 1] and rows w_k (2n+1) P_n*(x_k), k, n < count, at `bits` bits; w_k sum to 1."""
    with digits((bits + 2 * count) / LOG2_10):  # the recurrence loses up to log₂(1 + √2) bits a step
        nodes, rows = [], []
        for k in range(count):
            t, w = arb.legendre_p_root(count, k, weight=True)
            p = [arb(1), t]
            for n in range(1, count - 1):
                p.append(((2 * n + 1) * t * p[n] - n * p[n - 1]) / (n + 1))
            nodes.append((1 + t) / 2)
            rows.append(tuple(w / 2 * (2 * n + 1) * p[n] for n in range(count)))
    return tuple(nodes), tuple(rows)


def tail(last: list[arb], a: Scalar, slope: fmpq, start: int, rho: arb, rule: list[arb], terms: int) -> list[arb]:
    """A majorant of Σ_{n≥start} 2√(2n+1) ρ^{−n} (|m_n| + rule)/(1 − 1/ρ); `last` majorises m_start.

    m_{n+1} = m_n (a − n)/(a + n + 2) is majorised by R_n = (n + |a_0| + κδ)/(n + 2 − |a_0| − κδ), whose coefficients decrease
    in n but for the first, which is at most max(1, its value at `start`): a geometric series from its first two terms. Not finite
    where ρ is too small to sum.
    """
    size = arb(abs(a).upper())
    k = arb(slope)
    room = start + 2 - size
    if not room > 0:
        return [arb.pos_inf()] * terms
    ratio = majorant(multiply(linear(start + size, k, terms), inverse(linear(room, -k, terms), terms), terms))
    ratio[0] = ratio[0].max(arb(1))
    theta = (arb(2 * start + 3) / (2 * start + 1)).sqrt() / rho
    if not theta * ratio[0] < 1:
        return [arb.pos_inf()] * terms
    front = 2 * arb(2 * start + 1).sqrt() * rho**-start / (1 - 1 / rho)
    growth = inverse([1 - theta * ratio[0], *(-theta * c for c in ratio[1:])], terms)
    total = multiply(last, growth, terms)
    flat = 1 / (1 - theta)
    return [front * (c + flat * w) for c, w in zip(total, rule, strict=True)]


def axis(a: Scalar, slope: fmpq, pole: int | None, count: int, rho: arb, terms: int) -> Axis:
    """The rule with `count` nodes for ∫ x^{a + κδ} f dx, f analytic on E_ρ, and its bounds for |f| ≤ 1."""
    nodes, rows = gauss(count, ctx.prec)
    with digits((ctx.prec + 3 * count) / LOG2_10):  # products of complex rectangles widen by up to √2
        ms = moments(a, slope, pole, count + 1, terms)
    kind = acb_mat if isinstance(a, acb) else arb_mat
    weights = (kind([list(row) for row in rows]) * kind(ms[:count])).tolist()
    rule = [arb(sum((abs(w[l]) for w in weights), arb(0)).upper()) for l in range(terms)]
    last = majorant(ms[count])
    zero = [arb(0)] * terms
    beyond = tail(last, a, slope, count, rho, zero, terms)
    error = tail(last, a, slope, count, rho, rule, terms)
    front = 2 / (1 - 1 / rho)
    integral = [
        sum((front * arb(2 * n + 1).sqrt() * rho**-n * abs(ms[n][l]) for n in range(count)), beyond[l])
        for l in range(terms)
    ]
    return Axis(0 if pole is None else 1, nodes, weights, rule, integral, error)


def exact_moment(a: Scalar, slope: fmpq, pole: int | None, terms: int) -> Series:
    """∫_0^1 x^{a+κδ} dx, times δ at its pole."""
    return moments(a, slope, pole, 1, terms)[0] if pole in (None, 0) else moments(a, slope, None, 1, terms)[0]
