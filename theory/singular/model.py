"""The posterior e^{−tK} φ of a singular K, taken apart: blocks, domains, observables.

K is a sum of *blocks*, K = Σ_B K_B(x_B), in disjoint variables. Each is a normal crossing u Π x_i^{2k_i}, or becomes one under the
maps that `theory.zeta.resolution` finds, or that the caller gives. For an observable g,

    Z[g](t) = ∫ e^{−tK} g φ = Σ c Π_B Z_B[g_B](t),

since gφ is a sum of products over the blocks: always so for polynomials with powers |x|^h, and for analytic factors that do not
couple two blocks. λ adds over the blocks, m − 1 too.

`Integral` is such a sum of products: it has the exact expansion and the ball at a given t.

Reading order: `Model`, `Model.integral`, `Integral`, `split`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import sympy as sp
from flint import arb

from theory.errors import BadInput
from theory.jets import exact
from theory.singular import evaluation
from theory.singular.expansion import NOTHING, ONE, Asymptotics, of_charts
from theory.zeta import continuation as zeta
from theory.zeta.balls import ball
from theory.zeta.chart import Chart, Domain, Side, charts, refuse_roots, sides
from theory.zeta.content import content, summands
from theory.zeta.maps import Map, orthants, pullback
from theory.zeta.resolution import resolve

Variables = tuple[sp.Symbol, ...]


@dataclass(frozen=True)
class Block:
    """One summand of K with its variables; `maps` where it is brought to normal crossings by them; K = 0 for idle ones."""

    K: sp.Expr
    variables: Variables
    sides: tuple[Side, ...]
    maps: tuple[Map, ...] = ()

    def charts(self, density: sp.Expr) -> tuple[Chart, ...]:
        """∫ K^z · density over the domain of this block."""
        if self.maps:
            return tuple(c for m in self.maps for c in pullback(self.K, m, density))
        where = dict(zip(self.variables, self.sides, strict=True))
        if self.K == 0:  # idle: any crossing gives the charts, whose orders are then 0
            made = charts(sp.Mul(*(v**2 for v in self.variables)), self.variables, domain=where, density=density)
            return tuple(replace(c, orders=(sp.S.Zero,) * len(c.variables), unit=sp.S.One) for c in made)
        return charts(self.K, self.variables, domain=where, density=density)


@dataclass(frozen=True)
class Integral:
    """Σ c Π_B ∫ e^{−tK_B} φ_B: `summands` are (c, the charts of every block)."""

    summands: tuple[tuple[sp.Expr, tuple[tuple[Chart, ...], ...]], ...]

    def expansion(self, span: Any) -> Asymptotics:
        """The poles up to `span` beyond the first one, at least."""
        total = NOTHING
        for c, blocks in self.summands:
            product = ONE
            for block in blocks:
                product = product * _expanded(block, sp.Rational(span))
            total = total + product.scaled(c)
        return total

    def first(self) -> sp.Rational:
        """The smallest s that the exponents allow."""
        return min(sum(zeta.first(block) for block in blocks) for _, blocks in self.summands)

    def up_to(self, limit: Any) -> Asymptotics:
        """All poles s ≤ limit."""
        limit = sp.Rational(limit)
        total = NOTHING
        for c, blocks in self.summands:
            starts = [zeta.first(block) for block in blocks]
            product = ONE
            for block, start in zip(blocks, starts, strict=True):
                product = product * of_charts(block, limit - sum(starts) + start)
            total = total + product.scaled(c)
        kept = tuple(term for term in total.terms if term.power <= limit)
        whole = total.limit == sp.oo and len(kept) == len(total.terms)
        return Asymptotics(kept, sp.oo if whole else limit)

    @cached_property
    def proved(self) -> bool:
        """Is what the series leaves out bounded, so that `ball` contains the integral?"""
        return all(evaluation.proved(block) for _, blocks in self.summands for block in blocks)

    def ball(self, t: sp.Rational) -> arb:
        """The integral at t, at the working precision of `theory.zeta.balls.digits`."""
        return balls([self], t)[0]


def balls(integrals: Sequence[Integral], t: sp.Rational) -> list[arb]:
    """These integrals at t, at the working precision; blocks that several of them hold are integrated once."""
    values = evaluation.values((block for each in integrals for _, blocks in each.summands for block in blocks), t)
    return [
        sum((prod((values[block] for block in blocks), start=ball(c)) for c, blocks in each.summands), arb(0))
        for each in integrals
    ]


@lru_cache(maxsize=1024)
def _expanded(block: tuple[Chart, ...], span: sp.Rational) -> Asymptotics:
    return of_charts(block, zeta.first(block) + span)


class Model:
    """exp(−tK) φ on a domain. Raises `BadInput` where K is no sum of normal crossings and no resolution is found."""

    def __init__(
        self,
        K: sp.Expr,
        variables: Sequence[sp.Symbol],
        *,
        domain: Domain = "box",
        prior: Any = 1,
        resolution: Sequence[Map] | None = None,
    ):
        self.variables: Variables = (variables,) if isinstance(variables, sp.Symbol) else tuple(variables)
        self.K, self.prior = exact(K), exact(prior)
        self._known: dict[sp.Expr, Integral] = {}
        self.sides = sides(self.variables, domain)
        if not self.K.has(*self.variables):
            raise BadInput(
                f"K = {self.K} is not a normal crossing: it holds none of {', '.join(map(str, self.variables))}"
            )
        side = dict(zip(self.variables, self.sides, strict=True))
        if resolution is not None:
            self.blocks: tuple[Block, ...] = (Block(self.K, self.variables, self.sides, tuple(resolution)),)
            if not any(any(c.orders) for c in self.blocks[0].charts(sp.S.One)):
                raise BadInput(
                    f"K = {self.K} has no zeros on the charts of this resolution; the theory needs min K = 0"
                )
        else:
            parts = split(self.K, self.variables, side)
            used = {v for part in parts for v in part.variables}
            idle = tuple(Block(sp.S.Zero, (v,), (side[v],)) for v in self.variables if v not in used)
            self.blocks = (*parts, *idle)

    def integral(self, observable: Any = 1) -> Integral:
        """Z[g] = ∫ e^{−tK} g φ. Raises `BadInput` where gφ is not integrable, or couples blocks other than by products."""
        observable = exact(observable)
        if observable not in self._known:
            self._known[observable] = self._integral(observable)
        return self._known[observable]

    def _integral(self, observable: sp.Expr) -> Integral:
        density = observable * self.prior
        parts = summands(density, self.variables)
        for powers, signs, _ in parts:
            refuse_roots(density, self.variables, self.sides, powers, signs)
        if len(self.blocks) == 1 and self.blocks[0].maps:  # whole: its monomials need not vanish where it does
            made = self.blocks[0].charts(density)
            return Integral(((sp.S.One, (made,)),) if made else ())
        found = []
        for powers, signs, rest in parts:
            outside, inside = rest.as_independent(*self.variables, as_Add=False)
            factors = self._apart(inside, density)
            block_charts = []
            for block, factor in zip(self.blocks, factors, strict=True):
                for v in block.variables:
                    i = self.variables.index(v)
                    factor *= _power(v, powers[i], signs[i], self.sides[i])
                block_charts.append(block.charts(factor))
            if outside != 0 and all(block_charts):
                found.append((outside, tuple(block_charts)))
        return Integral(tuple(found))

    def _apart(self, density: sp.Expr, whole: sp.Expr) -> list[sp.Expr]:
        """An analytic factor for every block."""
        parts = [sp.S.One] * len(self.blocks)
        for factor in sp.Mul.make_args(
            sp.powsimp(density, deep=True) if len(self.blocks) == 1 else sp.expand_power_exp(density)
        ):
            held = [i for i, block in enumerate(self.blocks) if factor.has(*block.variables)]
            if len(held) > 1:
                raise BadInput(
                    f"the factor {factor} of {whole} couples summands of K in different variables, and is not a polynomial; "
                    "write it as a sum of products, or approximate it by a polynomial"
                )
            parts[held[0] if held else 0] *= factor
        return parts


def _power(v: sp.Symbol, p: sp.Rational, sign: int, side: Side) -> sp.Expr:
    """|v|^p sign(v)^e as an expression that `charts` reads the same way."""
    if not side.symmetric or (p.is_integer and p % 2 == sign):
        return v**p
    return sp.Abs(v) ** p * (sp.sign(v) if sign else 1)


def split(K: sp.Expr, variables: Variables, side: Mapping[sp.Symbol, Side]) -> tuple[Block, ...]:
    """K as a sum of blocks in disjoint variables, each a normal crossing or with the maps that make it one."""
    held = tuple(v for v in variables if K.has(v))
    where = tuple(side[v] for v in held)
    groups, constant = _groups(K, held)
    raised = BadInput(
        f"K = {K} is {constant} where its variables vanish; the theory needs min K = 0: subtract the minimum"
    )
    if len(groups) > 1:
        if constant != 0:
            raise raised
        return tuple(block for group in groups for block in split(group, held, side))
    factored = sp.factor_terms(K) if K.is_Add else K
    try:
        made = charts(factored, held, domain=dict(zip(held, where, strict=True)))
    except BadInput as error:
        refusal = error
    else:
        return (Block(factored, held, where),) if made else ()
    top, bottom = sp.fraction(sp.together(K))
    monomial = not content(factored, held)[2].has(*held)
    if monomial or not (top.is_polynomial(*held) and bottom.is_polynomial(*held)):
        raise raised if constant != 0 else refusal
    top = sp.expand(top)
    if not bottom.has(*held) and len(_groups(top, held)[0]) > 1:
        return split(top / bottom, variables, side)
    try:
        found = Block(top / bottom, held, where, _resolved(top, bottom, held, where))
    except BadInput as error:
        if "bounded domain" in str(error):
            raise
        raise BadInput(
            f"{K} is not a normal crossing c·Π x_i^(2k_i)·unit, nor does it become one by monomial maps and cuts along graphs "
            f"({error}); give the charts of a resolution as resolution=, or take the threshold alone from theory.rlct"
        ) from None
    if constant != 0 and not any(any(c.orders) for c in found.charts(sp.S.One)):
        raise raised
    return (found,)


def _groups(K: sp.Expr, variables: Variables) -> tuple[list[sp.Expr], sp.Expr]:
    """The summands of K, those that share variables together, and the constant one, which a single group takes in."""
    groups: list[tuple[set, sp.Expr]] = []
    for term in sp.Add.make_args(K):
        names, total = {v for v in variables if term.has(v)}, term
        apart = []
        for other, sum_ in groups:
            if other & names:
                names, total = names | other, total + sum_
            else:
                apart.append((other, sum_))
        groups = [*apart, (names, total)]
    constant = sp.Add(*(total for names, total in groups if not names))
    held = [total for names, total in groups if names]
    return (held if len(held) > 1 else [K]), constant


def _resolved(top: sp.Expr, bottom: sp.Expr, variables: Variables, where: tuple[Side, ...]) -> tuple[Map, ...]:
    """The maps of all orthants for top/bottom, each checked."""
    found = []
    for orthant in orthants(variables, where):
        for m in resolve(orthant.pull(top), orthant.new):
            whole = Map(orthant.old, m.new, tuple(m.pull(f) for f in orthant.images))
            pullback(top / bottom, whole)
            found.append(whole)
    return tuple(found)
