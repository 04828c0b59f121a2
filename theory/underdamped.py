"""The underdamped chain at finite step: BAOAB, its relatives and SGHMC, order by order in 1/t.

dw = v dt', dv = −(∇L + (γ/t)(w − w*)) dt' − friction v dt' + √(2 friction/t) dB: unit mass, temperature 1/t, so that the law is
exp(−tL − (γ/2)|w − w*|²) N(v; 0, 1/t). A step of size s is a word in the letters

    B  kick       v → v − τ g(w)                       g: the gradient of L + (γ/2t)|w − w*|², exact or of a minibatch
    A  drift      w → w + τ v
    O  friction   v → c v + √((1 − c²)/t) ξ            c = exp(−friction · time), the exact solution
    E  friction   v → c v + √(2(1 − c)/t) ξ            its Euler step: α = 1 − c is the momentum decay of SGHMC

applied from left to right; a letter that occurs n times acts for τ = s/n each time. "BAOAB" and "OBABO", "ABOBA", … are the
symmetric splittings of Leimkuhler and Matthews; "SGHMC" is "AEB" (Chen, Fox and Guestrin 2014, η = s², without their estimate β̂ of
the gradient noise). In w = w* + h x, v = h p, h = t^{−1/2}, every letter is a map of the kind that `theory.recursion` composes: all
moments of x and p are power series in h, with exact coefficients. For s → 0 at fixed c they are those of exp(−tL) for w
(`theory.laplace`), with N(0, 1/t) for v; for E the variance of v is 2/((1 + c)t) even then.

The step s is fixed as t grows; s² plays the part of e in `theory.langevin`. With c = 0 the chain of w is that very one: OBABO is
SGLD with e = s², SGHMC is SGLD with e = 2s². BAOAB at c = 0 has no term in s² in any average over w (Leimkuhler and Matthews
2013), and none was found at other fixed c; at fixed friction, c → 1 with s, there is one.

A quadratic L with Hessian H has the laws (`quadratic`)

    BAOAB   Cov w = H⁻¹/t                     Cov v = (1 − s²H/4)/t
    ABOBA   Cov w = H⁻¹/t                     Cov v = (1 − s²H/4)⁻¹/t
    OBABO   Cov w = (H − s²H²/4)⁻¹/t          Cov v = 1/t
    SGHMC   Cov w = (H − s²H²/(2 + 2c))⁻¹/t   Cov v = 4 (2 + 2c − s²H)⁻¹/t

Noise: noise[(i, j, …)] as in `theory.langevin`; every B draws a fresh minibatch. An implementation that keeps a gradient for the
next step has one kick per step: take "BAOA", which has the same law of w after its last A.
A constant mass matrix M is the change of coordinates w = M^{−1/2} w̃. As for the overdamped chain the series is asymptotic, blind to
other minima, and describes a metastable law where ∇L grows faster than linearly. Stability is checked at leading order, exactly
where all is rational; for BAOAB it is s² λ_max(H) < 4.

Reading order: `expectation`, `cumulant`, `quadratic` (public), `Underdamped`, `InTime` (lags and standard errors).
"""

from collections.abc import Sequence
from typing import Any

import sympy as sp

from theory.autocorrelation import Timed
from theory.errors import BadInput
from theory.jets import exact, jets
from theory.langevin import Noise, confined, locate_confined, refuse_noise, refuse_order
from theory.rational import lowest_terms
from theory.recursion import Recursion, Stage, for_moments, stable, unit

NAMES = {"SGHMC": "AEB"}


def expectation(
    loss: sp.Expr, phi: sp.Expr, variables: Sequence[sp.Symbol], *, step: Any, keep: Any, order: int, scheme: str = "BAOAB",
    momenta: Sequence[sp.Symbol] | None = None, at: Any = None, gamma: Any = 0, confinement: Any = 0, noise: Noise | None = None,
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """The coefficients (c_0, …, c_order) of E φ = Σ_k c_k t^{−k} under the chain.

    step: s; keep: c, what one O or E leaves of v (c = exp(−friction·s) where O occurs once), 0 ≤ c < 1; momenta: symbols for v
    where φ is to depend on it. scheme: a word in A, B, O, E, or "SGHMC". Other arguments as in `theory.langevin.expectation`.
    Raises `BadInput` for another word, |c| ≥ 1, and a chain that is unstable at leading order.
    """
    options = {"momenta": momenta, "at": at, "gamma": gamma, "confinement": confinement, "noise": noise}
    return Underdamped(loss, [phi], variables, step=step, keep=keep, order=order, scheme=scheme, **options).cumulant(
        [0]
    )


def cumulant(
    loss: sp.Expr, observables: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, step: Any, keep: Any, order: int,
    scheme: str = "BAOAB", momenta: Sequence[sp.Symbol] | None = None, at: Any = None, gamma: Any = 0, confinement: Any = 0,
    noise: Noise | None = None,
) -> tuple[sp.Expr, ...]:  # fmt: skip
    """The coefficients of the joint cumulant of `observables`; arguments as in `expectation`."""
    if not observables:
        raise BadInput("a joint cumulant needs at least one observable")
    options = {"momenta": momenta, "at": at, "gamma": gamma, "confinement": confinement, "noise": noise}
    chain = Underdamped(loss, observables, variables, step=step, keep=keep, order=order, scheme=scheme, **options)
    return chain.cumulant(range(len(observables)))


def quadratic(h: sp.Matrix, *, step: Any, keep: Any, scheme: str = "BAOAB") -> sp.Matrix:
    """t times the stationary covariance of (w, v) for L = ½ wᵀHw, of size 2d: Σ = M Σ Mᵀ + R solved as a linear system.

    M and R are the products of the letters' maps: an independent road to `cumulant` at order 1, exact at every t.
    """
    d = h.rows
    M, R = sp.eye(2 * d), sp.zeros(2 * d)
    for letter, share in letters(scheme):
        map_, added = _linear(letter, h, exact(step) * share, exact(keep))
        M, R = map_ * M, map_ * R * map_.T + added
    unknown = sp.Matrix(2 * d, 2 * d, lambda i, j: sp.Symbol(f"_{min(i, j)}_{max(i, j)}"))
    (found,) = sp.linsolve(list(unknown - M * unknown * M.T - R), sorted(unknown.free_symbols, key=str))
    values = dict(zip(sorted(unknown.free_symbols, key=str), found, strict=True))
    return unknown.subs(values).applyfunc(lowest_terms)


def _linear(letter: str, h: sp.Matrix, time: sp.Expr, keep: sp.Expr) -> tuple[sp.Matrix, sp.Matrix]:
    """The matrix of one letter on (x, p) for the Hessian H, and the covariance that it adds."""
    one, zero = sp.eye(h.rows), sp.zeros(h.rows)
    if letter == "A":
        return sp.Matrix(sp.BlockMatrix([[one, time * one], [zero, one]])), sp.zeros(2 * h.rows)
    if letter == "B":
        return sp.Matrix(sp.BlockMatrix([[one, zero], [-time * h, one]])), sp.zeros(2 * h.rows)
    return sp.diag(one, keep * one), sp.diag(zero, _heat(letter, keep) * one)


def _heat(letter: str, keep: Any) -> Any:
    return 1 - keep**2 if letter == "O" else 2 * (1 - keep)


def letters(scheme: str) -> list[tuple[str, sp.Rational]]:
    """The letters of a word in the order in which they act, each with its share of the step."""
    word = NAMES.get(scheme, scheme)
    if not word or set(word) - set("ABOE") or not {"A", "B"} <= set(word) or not set(word) & set("OE"):
        raise BadInput(f"the scheme {scheme!r} is not a word in A, B and O or E with each of the three; try 'BAOAB'")
    return [(letter, sp.Rational(1, word.count(letter))) for letter in word]


class Underdamped(Recursion):
    """The moment recursion for one scheme; its variables are x_1 … x_d, p_1 … p_d."""

    def __init__(
        self, loss: sp.Expr, observables: Sequence[sp.Expr], variables: Sequence[sp.Symbol], *, step: Any, keep: Any, order: int,
        scheme: str = "BAOAB", momenta: Sequence[sp.Symbol] | None = None, at: Any = None, gamma: Any = 0, confinement: Any = 0,
        noise: Noise | None = None,
    ):  # fmt: skip
        refuse_order(order)
        loss, step, keep, gamma, confinement = map(exact, (loss, step, keep, gamma, confinement))
        if (1 - keep**2).is_positive is False or step.is_nonpositive:
            raise BadInput(f"the step {step} must be positive and |keep| < 1; keep = {keep} leaves all of the momentum")
        d, top, noise = len(variables), 2 * order, dict(noise or {})
        momenta = [sp.Dummy() for _ in variables] if momenta is None else list(momenta)
        if len(momenta) != d or set(momenta) & set(variables):
            raise BadInput(f"{d} variables have {d} momenta of their own; got {momenta}")
        self.at = locate_confined(loss, variables, at, confinement)
        refuse_noise(noise, variables)
        names, place = [*variables, *momenta], {**self.at, **dict.fromkeys(momenta, sp.S.Zero)}
        expressions = [loss, *observables, *noise.values()]
        orders = [top + 2] + [top] * (len(expressions) - 1)
        taylor = jets(expressions, names, place, orders, extra=[step, keep, gamma, confinement])
        ring, convert = taylor.ring, taylor.domain.from_sympy
        loss_parts, *parts = taylor.parts
        positions = ring.gens[:d]
        potential = confined(loss_parts[2:], ring, convert(confinement), convert(gamma), positions)
        given = {indices: parts[len(observables) + k] for k, indices in enumerate(noise)}
        build = _Letters(ring, d, top, potential, given, convert)
        stages = {
            (letter, share): Stage(ring, build.kappa(letter, step * share, keep), for_moments(top))
            for letter, share in letters(scheme)
        }
        super().__init__(taylor, [stages[which] for which in letters(scheme)], parts[: len(observables)], top)
        matrix = sp.Matrix(2 * d, 2 * d, [taylor.expr(c) for row in self.leading(1).to_list() for c in row])
        if stable(matrix) is False:
            raise BadInput(
                f"{scheme} with step {step} and keep = {keep} is unstable at leading order (BAOAB: s²·λ_max(H) must be "
                "below 4); take a smaller step"
            )


class InTime(Timed, Underdamped):
    """Lags, long-run variances and standard errors of the underdamped chain (see `theory.autocorrelation`)."""


class _Letters:
    """The conditional cumulants of each letter."""

    def __init__(self, ring: Any, d: int, top: int, potential: Sequence[Any], noise: dict, convert: Any):
        self.ring, self.d, self.top = ring, d, top
        self.potential, self.noise, self.convert = potential, noise, convert

    def kappa(self, letter: str, time: sp.Expr, keep: sp.Expr) -> dict:
        """{α: series in h}; positions are variables 0 … d − 1, momenta d … 2d − 1."""
        d, gens, tau = self.d, self.ring.gens, self.convert(time)
        found = {unit(2 * d, (i,)): self._series(x) for i, x in enumerate(gens)}
        for i in range(d):
            x, p = gens[i], gens[d + i]
            momentum = unit(2 * d, (d + i,))
            if letter == "A":
                found[unit(2 * d, (i,))] = self._series(x + p * tau)
            elif letter == "B":
                slopes = [part.diff(x) * (-tau) for part in self.potential]
                found[momentum] = [p + slopes[0], *slopes[1:]]
            else:
                found[momentum] = self._series(p * self.convert(keep))
                found[unit(2 * d, (d + i, d + i))] = self._series(self.ring(self.convert(_heat(letter, keep))))
        if letter == "B":
            for indices, parts in self.noise.items():
                weight = (-tau) ** len(indices)
                series = [self.ring.zero] * (len(indices) - 2) + [part * weight for part in parts]
                found[unit(2 * d, [d + i for i in indices])] = series
        return found

    def _series(self, element: Any) -> list[Any]:
        return [element] + [self.ring.zero] * self.top


__all__ = ["InTime", "Underdamped", "cumulant", "expectation", "letters", "quadratic"]
