"""Real log canonical thresholds that are known in closed form: (λ, m) of some models, each with its source.

    regular(d)                          d/2, 1                                    K with a positive definite Hessian
    normal_crossing(k, h)               K = Π x_i^{2k_i}, prior Π |x_i|^{h_i}
    reduced_rank(M, H, N, r)            one hidden linear layer                   Aoyagi & Watanabe 2005
    deep_linear(widths, r)              any number of linear layers               Aoyagi 2024
    tanh_network(H)                     H units, one input and output, truth 0    Aoyagi & Watanabe (Vandermonde type)
    normal_mixture()                    two means, one true component             Yamazaki & Watanabe 2003
    hyperplanes(forms, variables, s)    K = Π ℓ_i^{2s_i}, ℓ_i linear              Kosta & Windisch 2024

λ is that of the Kullback–Leibler divergence, comparable to Σ g_i², at the deepest point of the set of true parameters.
None of these is used by `theory.rlct`, which computes thresholds without knowing them: the two are compared in the tests.

Functions, in this order.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import sympy as sp
from flint import fmpq, fmpq_mat

from theory.errors import BadInput

Threshold = tuple[sp.Rational, int]
MOST_HYPERPLANES = 16


def regular(dimension: int) -> Threshold:
    """λ = d/2, m = 1 for K with a positive definite Hessian in d variables."""
    _whole("regular", {"dimension": dimension}, least=1)
    return sp.Rational(dimension, 2), 1


def normal_crossing(exponents: Sequence[Any], jacobian: Sequence[Any] | None = None) -> Threshold:
    """λ = min (h_i + 1)/(2k_i), m how often it is reached, for K = Π x_i^{2k_i} with the prior Π |x_i|^{h_i} (eq 24).

    exponents: the k_i ≥ 0, not all 0; jacobian: the h_i > −1, by default 0.
    """
    k = [sp.Rational(x) for x in exponents]
    h = [sp.Rational(x) for x in ([0] * len(k) if jacobian is None else jacobian)]
    if len(h) != len(k) or min(k, default=-1) < 0 or not any(k) or min(h) <= -1:
        raise BadInput(
            f"known.normal_crossing needs k_i ≥ 0, one of them positive, and as many h_i > −1; it got {k}, {h}"
        )
    ratios = [(b + 1) / (2 * a) for a, b in zip(k, h, strict=True) if a]
    return min(ratios), ratios.count(min(ratios))


def reduced_rank(inputs: int, hidden: int, outputs: int, rank: int) -> Threshold:
    """(λ, m) of y = B A x + noise, A: M → H, B: H → N, when the true matrix has rank r.

    With Q = −(H+r)² − M² − N² + 2(H+r)(M+N) + 2MN, if N+r ≤ M+H, M+r ≤ N+H and H+r ≤ M+N:

        λ = Q/8, m = 1 for even M+H+N+r,        λ = (Q+1)/8, m = 2 for odd;

    otherwise m = 1 and λ = (HM − Hr + Nr)/2 if M+H < N+r, (HN − Hr + Mr)/2 if N+H < M+r, MN/2 if M+N < H+r.

    Source: Aoyagi & Watanabe, Neural Networks 18 (2005). Raises `BadInput` unless 0 ≤ r ≤ min(M, H, N).
    """
    M, H, N, r = inputs, hidden, outputs, rank
    _whole("reduced_rank", {"inputs": M, "hidden": H, "outputs": N}, least=1)
    _rank("reduced_rank", r, (M, H, N))
    if N + r > M + H:
        return sp.Rational(H * M - H * r + N * r, 2), 1
    if M + r > N + H:
        return sp.Rational(H * N - H * r + M * r, 2), 1
    if H + r > M + N:
        return sp.Rational(M * N, 2), 1
    Q = -((H + r) ** 2) - M**2 - N**2 + 2 * (H + r) * (M + N) + 2 * M * N
    odd = (M + H + N + r) % 2
    return sp.Rational(Q + odd, 8), 1 + odd


def deep_linear(widths: Sequence[int], rank: int) -> Threshold:
    """(λ, m) of the deep linear network of widths H_0, …, H_L when the true matrix has rank r.

    With M_s = H_s − r, S the ℓ + 1 smallest of them such that max_S < min of the rest, Σ_S ≥ ℓ max_S and Σ_S < ℓ·min of the
    rest, M = ⌈Σ_S/ℓ⌉ and a = Σ_S − (M − 1)ℓ,

        λ = [r(H_0 + H_L) − r²]/2 + a(ℓ − a)/(4ℓ) − (ℓ(ℓ − 1)/4)(Σ_S/ℓ)² + ½ Σ_{i<j∈S} M_i M_j,      m = a(ℓ − a) + 1.

    Source: Aoyagi, Neural Networks 172 (2024). Raises `BadInput` unless there are two widths and 0 ≤ r ≤ their least.
    """
    H = list(widths)
    if len(H) < 2:
        raise BadInput(f"known.deep_linear needs the widths of the input, the hidden layers and the output; it got {H}")
    _whole("deep_linear", {f"width {i}": h for i, h in enumerate(H)}, least=1)
    _rank("deep_linear", rank, H)
    gaps = sorted(h - rank for h in H)
    for count in range(2, len(gaps) + 1):
        S, rest, ell = gaps[:count], gaps[count:], count - 1
        total = sum(S)
        if total >= ell * S[-1] and (not rest or (S[-1] < rest[0] and total < ell * rest[0])):
            break
    else:
        raise BadInput(f"known.deep_linear: the widths {H} and rank {rank} admit no set S; this should not happen")
    a = total - (-(-total // ell) - 1) * ell
    pairs = sum(x * y for x, y in combinations(S, 2))
    smooth = sp.Rational(rank * (H[0] + H[-1]) - rank**2, 2)
    singular = sp.Rational(a * (ell - a), 4 * ell) - sp.Rational(ell * (ell - 1), 4) * sp.Rational(total, ell) ** 2
    return smooth + singular + sp.Rational(pairs, 2), a * (ell - a) + 1


def tanh_network(hidden: int) -> Threshold:
    """λ = (H + i² + i)/(4i + 2), i = ⌊√H⌋, m = 2 if i² = H and else 1: Σ_j a_j tanh(b_j x), j ≤ H, when the truth is 0.

    Source: Aoyagi & Watanabe, singularities of Vandermonde type (2005).
    """
    _whole("tanh_network", {"hidden": hidden}, least=1)
    i = int(sp.floor(sp.sqrt(hidden)))
    return sp.Rational(hidden + i * i + i, 4 * i + 2), 2 if i * i == hidden else 1


def normal_mixture() -> Threshold:
    """λ = 3/4, m = 1: (1 − a) N(b, 1) + a N(c, 1) when the truth is N(0, 1).

    Source: Yamazaki & Watanabe, Neural Networks 16 (2003).
    """
    return sp.Rational(3, 4), 1


def hyperplanes(
    forms: Sequence[sp.Expr], variables: Sequence[sp.Symbol], powers: Sequence[int] | None = None
) -> Threshold:
    """λ = min_W codim W/(2 Σ_{H ⊇ W} s_H) over the flats W, m the length of the longest chain of minimisers: K = Π ℓ_i^{2s_i}.

    forms: linear forms ℓ_i with rational coefficients, powers: s_i ≥ 1, by default 1; at the origin. Source: Kosta & Windisch
    (2024), for real arrangements. Raises `BadInput` for forms that are not linear, 0, or more than 16.
    """
    s = [1] * len(forms) if powers is None else list(powers)
    if not 1 <= len(forms) <= MOST_HYPERPLANES or len(s) != len(forms) or min(s, default=0) < 1:
        raise BadInput(
            f"known.hyperplanes takes 1 to {MOST_HYPERPLANES} linear forms with as many powers ≥ 1; it got {len(forms)} and {s}"
        )
    rows = [_linear(form, variables) for form in forms]
    flats = {
        _closure(rows, chosen) for n in range(1, len(variables) + 1) for chosen in combinations(range(len(rows)), n)
    }
    value = {flat: sp.Rational(_dimension([rows[i] for i in flat]), 2 * sum(s[i] for i in flat)) for flat in flats}
    least = min(value.values())
    minimal = sorted((flat for flat in flats if value[flat] == least), key=len)
    longest: dict[frozenset[int], int] = {}
    for flat in minimal:
        longest[flat] = 1 + max((longest[below] for below in longest if below < flat), default=0)
    return least, max(longest.values())


def _closure(rows: Sequence[Sequence[fmpq]], chosen: Sequence[int]) -> frozenset[int]:
    """All hyperplanes that contain the intersection of the chosen ones."""
    span = [rows[i] for i in chosen]
    rank = _dimension(span)
    return frozenset(i for i, row in enumerate(rows) if _dimension([*span, row]) == rank)


def _dimension(rows: Sequence[Sequence[fmpq]]) -> int:
    return fmpq_mat([list(row) for row in rows]).rank()


def _linear(form: sp.Expr, variables: Sequence[sp.Symbol]) -> list[fmpq]:
    form = sp.sympify(form)
    coefficients = [sp.diff(form, v) for v in variables]
    rest = sp.expand(form - sp.Add(*(c * v for c, v in zip(coefficients, variables, strict=True))))
    if rest != 0 or not all(c.is_Rational for c in coefficients) or not any(coefficients):
        listed = ", ".join(map(str, variables))
        raise BadInput(
            f"known.hyperplanes: {form} is no linear form in {listed} with rational coefficients; give one that is"
        )
    return [fmpq(int(c.p), int(c.q)) for c in coefficients]


def _whole(what: str, sizes: dict[str, Any], *, least: int) -> None:
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < least:
            raise BadInput(f"known.{what}: {name} is a whole number of at least {least}; it was given {size}")


def _rank(what: str, rank: int, widths: Sequence[int]) -> None:
    if not isinstance(rank, int) or not 0 <= rank <= min(widths):
        raise BadInput(f"known.{what}: the rank lies between 0 and the least width {min(widths)}; it was given {rank}")
