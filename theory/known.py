"""Learning coefficients known in closed form: λ and m of models whose thresholds were published.

For K ≥ 0 and a prior φ the integral ∫ e^{−tK} φ dw ~ C t^{−λ} (log t)^{m−1}; λ is the learning coefficient (real log canonical
threshold of K and φ) and m its multiplicity. Each function states its formula and source, and gives an exact `Threshold`.

    regular               K a sum of d squares in independent coordinates
    normal_crossing       K = Π |w_i|^{k_i}, φ = Π |w_i|^{h_i}
    arrangement           K = Π |ℓ_H(w)|^{s_H}, linear forms ℓ_H
    reduced_rank          three layers, linear: K = |BA − B*A*|²
    deep_linear           any number of layers, linear
    tanh_network          Σ a_i tanh(b_i x) for the target 0
    two_means             a mixture of two normal distributions with one true component

They are peers of `theory.rlct`, which finds thresholds by resolution and knows none of these formulas.

Source: S. Watanabe, Algebraic Geometry and Statistical Learning Theory (2009); the papers named below.
"""

from collections.abc import Sequence
from itertools import combinations
from math import isqrt
from typing import Any, NamedTuple

import sympy as sp

from theory.errors import BadInput

MAX_FLATS = 100_000


class Threshold(NamedTuple):
    """λ and m."""

    value: sp.Rational
    multiplicity: int


def _number(value: Any, what: str, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int | sp.Integer) or value < least:
        raise BadInput(f"{what} is {value!r}; give an integer of at least {least}")
    return int(value)


def _rational(value: Any, what: str) -> sp.Rational:
    number = sp.sympify(value) if isinstance(value, int | str | sp.Basic) and not isinstance(value, bool) else None
    if number is None or not number.is_Rational:
        raise BadInput(f"{what} is {value!r}; give an exact rational number")
    return number


def regular(dimension: int) -> Threshold:
    """λ = d/2, m = 1: K = w_1² + … + w_d² (a positive definite Hessian), prior positive at the minimum.

    Source: G. Schwarz, Estimating the dimension of a model (1978).
    """
    return Threshold(sp.Rational(_number(dimension, "the dimension", 1), 2), 1)


def normal_crossing(powers: Sequence[int], prior: Sequence[Any] | None = None) -> Threshold:
    """λ = min_i (h_i + 1)/k_i, m = the number of minimisers: K = Π |w_i|^{k_i}, prior Π |w_i|^{h_i}, h_i > −1.

    Source: S. Watanabe (2009), theorem 6.6.
    """
    k = [_number(power, "a power of K") for power in powers]
    h = [_rational(e, "an exponent of the prior") for e in (prior if prior is not None else [0] * len(k))]
    if len(h) != len(k):
        raise BadInput(f"{len(k)} powers of K and {len(h)} of the prior; give one of each for every variable")
    if not any(k):
        raise BadInput(f"K with the powers {tuple(k)} does not vanish at the origin; give a power above 0")
    if any(e <= -1 for e in h):
        raise BadInput(f"a prior with the exponents {tuple(h)} cannot be integrated; give exponents above -1")
    ratios = [(e + 1) / power for power, e in zip(k, h, strict=True) if power]
    return Threshold(min(ratios), ratios.count(min(ratios)))


def arrangement(normals: Sequence[Sequence[Any]], powers: Sequence[int] | None = None) -> Threshold:
    """λ = min_W codim W / Σ_{H ⊇ W} s_H over the flats W (intersections of hyperplanes) other than the whole space.

    m is the length of the longest chain of minimising flats. K = Π |ℓ_H(w)|^{s_H} for ℓ_H = n_H·w with rational normals n_H;
    `powers` s_H: 2 each when not given, so K = (Π ℓ_H)².

    Source: D. Kosta, T. Windisch, arXiv 2411.13392 (2024); over C, M. Mustata, Multiplier ideals of hyperplane
    arrangements (2006).
    """
    rows = [tuple(_rational(c, "a coefficient of a linear form") for c in n) for n in normals]
    s = [_number(p, "the power of a linear form", 1) for p in (powers if powers is not None else [2] * len(rows))]
    if not rows or len(s) != len(rows) or len({len(n) for n in rows}) != 1:
        raise BadInput(f"{len(rows)} normals and {len(s)} powers; give one power for each, and normals of one length")
    if not all(any(n) for n in rows):
        raise BadInput(f"the linear form {rows[[any(n) for n in rows].index(False)]} is 0; leave it out")
    flats = _flats(rows)
    ratio = {flat: sp.Rational(codimension, sum(s[i] for i in flat)) for flat, codimension in flats.items()}
    least = min(ratio.values())
    chain: dict[frozenset[int], int] = {}
    for flat in sorted((f for f in flats if ratio[f] == least), key=len):
        chain[flat] = 1 + max((length for other, length in chain.items() if other.issubset(flat)), default=0)
    return Threshold(least, max(chain.values()))


def _flats(rows: Sequence[tuple[sp.Rational, ...]]) -> dict[frozenset[int], int]:
    """Every flat as the set of the hyperplanes that contain it, with its codimension."""

    def closure(chosen: frozenset[int]) -> tuple[frozenset[int], int]:
        span = sp.Matrix([rows[i] for i in sorted(chosen)])
        r = span.rank()
        more = (i for i in range(len(rows)) if i in chosen or span.col_join(sp.Matrix([rows[i]])).rank() == r)
        return frozenset(more), r

    found: dict[frozenset[int], int] = {}
    todo = [closure(frozenset([i])) for i in range(len(rows))]
    while todo:
        flat, codimension = todo.pop()
        if flat in found:
            continue
        found[flat] = codimension
        if len(found) > MAX_FLATS:
            raise BadInput(f"an arrangement of {len(rows)} hyperplanes with more than {MAX_FLATS} flats; take fewer")
        todo += [closure(flat | {i}) for i in range(len(rows)) if i not in flat]
    return found


def reduced_rank(inputs: int, hidden: int, outputs: int, rank: int) -> Threshold:
    """λ, m of K = |BA − C|², A: hidden × inputs, B: outputs × hidden, C of rank r ≤ min of the three.

    With M inputs, H hidden, N outputs and Q = −(H+r)² − M² − N² + 2(H+r)(M+N) + 2MN:

        N+r ≤ M+H, M+r ≤ N+H, H+r ≤ M+N:   λ = Q/8, m = 1 if M+H+N+r is even;  λ = (Q+1)/8, m = 2 if it is odd
        M+H < N+r:   λ = (HM − Hr + Nr)/2, m = 1
        N+H < M+r:   λ = (HN − Hr + Mr)/2, m = 1
        M+N < H+r:   λ = MN/2, m = 1

    Source: M. Aoyagi, S. Watanabe, Stochastic complexities of reduced rank regression in Bayesian estimation (2005).
    """
    M, H, N = (_number(n, "a number of units", 1) for n in (inputs, hidden, outputs))
    r = _rank(rank, (M, H, N))
    if N + r > M + H:
        return Threshold(sp.Rational(H * M - H * r + N * r, 2), 1)
    if M + r > N + H:
        return Threshold(sp.Rational(H * N - H * r + M * r, 2), 1)
    if H + r > M + N:
        return Threshold(sp.Rational(M * N, 2), 1)
    Q = -((H + r) ** 2) - M**2 - N**2 + 2 * (H + r) * (M + N) + 2 * M * N
    odd = (M + H + N + r) % 2
    return Threshold(sp.Rational(Q + odd, 8), 1 + odd)


def _rank(rank: Any, widths: Sequence[int]) -> int:
    r = _number(rank, "the rank")
    if r > min(widths):
        raise BadInput(f"the rank {r} is above the width {min(widths)} of a layer; give one of at most {min(widths)}")
    return r


def deep_linear(widths: Sequence[int], rank: int) -> Threshold:
    """λ, m of K = |A_L ⋯ A_1 − C|² with layers of H_0, …, H_L units and C of rank r (§4.2, DLN).

    With M_s = H_s − r let S be the ℓ + 1 smallest M_s such that max_S < min of the rest, Σ_S ≥ ℓ max_S and
    Σ_S < ℓ·min of the rest (Σ_S the sum of S). With M = ⌈Σ_S/ℓ⌉ and a = Σ_S − (M − 1)ℓ

        λ = [r(H_0 + H_L) − r²]/2 + a(ℓ − a)/(4ℓ) − ℓ(ℓ − 1)/4 · (Σ_S/ℓ)² + ½ Σ_{i<j ∈ S} M_i M_j,    m = a(ℓ − a) + 1.

    Source: M. Aoyagi, Consideration on the learning efficiency of multiple-layered neural networks with linear units (2024).
    """
    H = [_number(n, "the width of a layer", 1) for n in widths]
    if len(H) < 2:
        raise BadInput(f"a network with the widths {tuple(H)}; give at least the numbers of inputs and outputs")
    r = _rank(rank, H)
    S = _essential([n - r for n in H])
    ell, total = len(S) - 1, sum(S)
    M = -(-total // ell)
    a = total - (M - 1) * ell
    value = sp.Rational(r * (H[0] + H[-1]) - r**2, 2) + sp.Rational(a * (ell - a), 4 * ell)
    value += -sp.Rational(ell * (ell - 1), 4) * sp.Rational(total, ell) ** 2
    value += sp.Rational(sum(p * q for p, q in combinations(S, 2)), 2)
    return Threshold(value, a * (ell - a) + 1)


def _essential(excess: Sequence[int]) -> list[int]:
    """The set S of `deep_linear` (there is one); ℓ max_S ≤ Σ_S < ℓ·min of the rest makes max_S smaller than the rest."""
    ordered = sorted(excess)
    for size in range(2, len(ordered) + 1):
        S, rest = ordered[:size], ordered[size:]
        ell = size - 1
        if sum(S) >= ell * S[-1] and (not rest or sum(S) < ell * rest[0]):
            return S
    raise AssertionError(f"no essential layers among {ordered}")


def tanh_network(hidden: int) -> Threshold:
    """λ = (H + i² + i)/(4i + 2) with i = ⌊√H⌋, and m = 2 if i² = H, else 1.

    f(x) = Σ_{i ≤ H} a_i tanh(b_i x), one input and one output, the target is 0, and the prior is positive at 0.

    Source: M. Aoyagi, S. Watanabe, Resolution of singularities and the generalization error with Bayesian estimation for
    layered neural network (2005).
    """
    H = _number(hidden, "the number of hidden units", 1)
    i = isqrt(H)
    return Threshold(sp.Rational(H + i**2 + i, 4 * i + 2), 2 if i**2 == H else 1)


def two_means() -> Threshold:
    """λ = 3/4, m = 1: a N(b, 1) + (1 − a) N(c, 1) at 0 < a < 1, b = c = 0, where the truth is N(0, 1).

    Source: K. Yamazaki, S. Watanabe, Singularities in mixture models and upper bounds of stochastic complexity (2003).
    """
    return Threshold(sp.Rational(3, 4), 1)
