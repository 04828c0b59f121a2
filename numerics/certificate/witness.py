"""What a certificate of the trapezoid rule holds: plain exact data and balls, no reasoning.

Reading order: `Growth`, `Shear`, `Certificate`.
"""

from typing import NamedTuple

from flint import arb, fmpq

from numerics.errors import NotCertified


class Growth(NamedTuple):
    """The claim Re P ≥ m N(u) for N(u) = max_j |u_j/radii_j|^{powers_j} ≥ 1, where u = matrix·y + shift.

    squares: (β, μ, D) says that c u^β is to be bounded by completing a square, c u^β + D u^{2μ} ≥ −(c²/4D) u^{2(β−μ)}.
    """

    matrix: tuple[tuple[fmpq, ...], ...]
    inverse: tuple[tuple[fmpq, ...], ...]
    shift: tuple[fmpq, ...]
    radii: tuple[fmpq, ...]
    powers: tuple[int, ...]
    m: fmpq
    squares: tuple[tuple[tuple[int, ...], tuple[int, ...], fmpq], ...] = ()


class Shear(NamedTuple):
    """w_axis = v_axis + q(v), w_i = v_i otherwise: q = Σ c_α v^α, given as pairs (α, c_α), does not hold v_axis."""

    axis: int
    terms: tuple[tuple[tuple[int, ...], fmpq], ...]


class Certificate(NamedTuple):
    """What the proof of one integral rests on: v = centre + matrix·y, w = shears(v), P(y) = t·loss + … − level.

    determinant: |det matrix|. steps h_j, shifts a_j, masses M_j of this amplitude. tail: the growth of P, line_tails:
    of Re P on the lines shifted along each axis. tail_bound: Π h Σ |f| e^{−P} outside {N ≤ 1}. value: the ball claimed
    to contain e^{level} ∫ f e^{−t·loss} prior dw. points: how many grid points were summed (for information).
    shears: w = shears(v), the last one applied to v first.
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
    shears: tuple[Shear, ...] = ()


def require(holds: bool, inequality: str, found: str, claimed: object) -> None:
    if not holds:
        shown = claimed.str(5) if isinstance(claimed, arb) else claimed
        raise NotCertified(f"the certificate fails at the inequality '{inequality}': {found}; claimed: {shown}")
