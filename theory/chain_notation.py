r"""The closed forms of the discrete chain in print: derived by cumulants here, and printed as TeX.

Nothing below is transcribed. The tensor formulas come from one rule: the joint cumulant of polynomials in x is the sum over all
ways to put the x's into blocks that *connect* the polynomials, each block a cumulant of x,

    κ(P_1, …, P_n) = Σ_π Π_{B∈π} κ_{|B|},        κ_1 = h m + …,  κ_2 = S + h² S^{(2)} + …,  κ_3 = h K + …

(Leonov and Shiryaev). With the law of total cumulance, κ(x'_1, …, x'_r) = Σ_π κ(κ(x'_B | x) : B ∈ π), each order of h of
stationarity, κ(x') = κ(x), is one equation for one tensor; observables are polynomials too. So `formulas()` holds the equations of
`theory.stationary` and its Lemmas 18, 20 and 25, Example 27 and learning coefficient, found a third way, in any dimension.

The one-dimensional formulas are those of `theory.stationary` with symbols, in u = eλ: `in_u()`.

Notation: repeated indices are summed. F = 1 − (e/2) D H is the linear map of a step, D the preconditioner; H, T, Q the derivatives
of the loss, G and N the covariance and third cumulant of the gradient over t, a comma before an index differentiates; a, A, Φ and
b, B, Ψ the derivatives of two observables.

Reading order: `formulas`, `in_u`, `tex_in_u` (public), `Formula`, `Term`, `joint`, `read` (a printed formula back).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product
from typing import Any

import sympy as sp

from theory.laplace import set_partitions
from theory.rational import lowest_terms
from theory.stationary import law

e, gamma = sp.symbols("e gamma")
u, lam, T, Q = sp.symbols("u lambda T Q")
_x = sp.Symbol("x")
DATA = (T, Q, gamma, *sp.symbols("G G' G'' N"))

Index = str | int  # letters are free, numbers are summed over
Factor = tuple[str, tuple[Index, ...]]
_CUMULANTS = {1: ((1, "m"),), 2: ((0, "S"), (2, "S^{(2)}")), 3: ((1, "K"),)}  # size of a block: (order of h, name)
_LETTERS = "pqrsabcdfghlnouvwxyz"


@dataclass(frozen=True)
class Term:
    """coefficient · Π factors."""

    coefficient: sp.Expr
    factors: tuple[Factor, ...]

    def value(self, tensors: Mapping[str, Any], free: Mapping[Index, int], d: int) -> sp.Expr:
        """The term with its dummies summed over 0, …, d − 1; tensors[name][i, j, …]."""
        dummies = _dummies(self.factors)
        total = sp.S.Zero
        for values in product(range(d), repeat=len(dummies)):
            at = {**free, **dict(zip(dummies, values, strict=True))}
            total += sp.Mul(*(tensors[name][tuple(at[i] for i in indices)] for name, indices in self.factors))
        return self.coefficient * total

    def tex(self) -> str:
        letters = dict(zip(_dummies(self.factors), _LETTERS, strict=False))
        body = " ".join(_factor_tex(name, [str(letters.get(i, i)) for i in indices]) for name, indices in self.factors)
        return _signed(self.coefficient) + body


@dataclass(frozen=True)
class Formula:
    """Σ left = Σ right."""

    left: tuple[Term, ...]
    right: tuple[Term, ...]

    def tex(self) -> str:
        return f"{_sum_tex(self.left)} = {_sum_tex(self.right)}"

    def difference(self, tensors: Mapping[str, Any], free: Mapping[Index, int], d: int) -> sp.Expr:
        """left − right at one choice of the free indices."""
        sides = (sp.Add(*(term.value(tensors, free, d) for term in side)) for side in (self.left, self.right))
        return sp.expand(next(sides) - next(sides))


@dataclass(frozen=True)
class Piece:
    """One monomial of a polynomial: h^order · coefficient · factors · Π x over `slots`."""

    order: int
    coefficient: sp.Expr
    factors: tuple[Factor, ...]
    slots: tuple[Index, ...] = ()


@cache
def formulas() -> dict[str, Formula]:
    """Every tensor formula by name; the unknown of an equation stands on its left."""
    b = {"φ": _observable("aA", r"\Phi"), "ψ": _observable("bB", r"\Psi"), "L": _loss()}
    return {
        "S": _stationarity("ij", 0, "S"),
        "m": Formula(*_split(joint([_gradient("i")], 1), "m", sign=-1)),
        "K": _stationarity("ijk", 1, "K"),
        "S2": _stationarity("ij", 2, "S^{(2)}"),
        "Lemma 18": _named(r"t\,\delta\mathsf{E}\psi", joint([b["ψ"]], 2)),
        "Lemma 20": _named(r"t\,\mathsf{Cov}(\varphi,\psi)", joint([b["φ"], b["ψ"]], 2)),
        "second covariance": _named(r"t^2\,\mathsf{Cov}_2(\varphi,\psi)", joint([b["φ"], b["ψ"]], 4)),
        "Lemma 25": _named(r"t^2\,\mathsf{Cov}(\varphi,\psi)", joint([b["φ"][1:], b["ψ"]], 4)),
        "Example 27": _named(r"t^2\,\mathsf{Cov}(L,\psi)", joint([b["L"], b["ψ"]], 4)),
        "l0": _named(r"\ell_0", joint([b["L"]], 2)),
        "l1": _named(r"\ell_1", joint([b["L"]], 4)),
    }


def joint(polynomials: Sequence[Sequence[Piece]], order: int) -> tuple[Term, ...]:
    """The coefficient of h^order of the joint cumulant of the polynomials, equal terms collected."""
    collected: dict[tuple[Factor, ...], sp.Expr] = {}
    for pieces in product(*polynomials):
        renamed = [_renamed(piece, 100 * (k + 1)) for k, piece in enumerate(pieces)]
        coefficient = sp.Mul(*(piece.coefficient for piece in renamed))
        factors = tuple(f for piece in renamed for f in piece.factors)
        left = order - sum(piece.order for piece in renamed)
        for blocks in _connected([piece.slots for piece in renamed]):
            for cumulants in _graded(blocks, left):
                key = _canonical((*factors, *cumulants))
                collected[key] = collected.get(key, sp.S.Zero) + coefficient
    return tuple(Term(sp.factor(c), key) for key, c in sorted(collected.items(), key=str) if sp.expand(c) != 0)


def _graded(blocks: Sequence[Sequence[Index]], order: int) -> Iterator[tuple[Factor, ...]]:
    """A cumulant of x for each block, of orders that add up to `order`."""
    for choice in product(*(_CUMULANTS.get(len(block), ()) for block in blocks)):
        if sum(power for power, _ in choice) == order:
            yield tuple((name, tuple(block)) for (_, name), block in zip(choice, blocks, strict=True))


def _connected(groups: Sequence[Sequence[Index]]) -> Iterator[list[tuple[Index, ...]]]:
    """The partitions of all slots whose blocks connect the groups; a group without slots is a constant and connects to none."""
    slots = [(k, slot) for k, group in enumerate(groups) for slot in group]
    for positions in set_partitions(tuple(range(len(slots)))):
        partition = [[slots[n] for n in block] for block in positions]
        reached, pending = {0}, True
        while pending:
            touched = {k for block in partition for k, _ in block if reached & {j for j, _ in block}}
            pending = not touched <= reached
            reached |= touched
        if reached == set(range(len(groups))):
            yield [tuple(slot for _, slot in block) for block in partition]


def _stationarity(free: str, order: int, unknown: str) -> Formula:
    """κ(x_i, x_j, …) = κ(x'_i, x'_j, …) at h^order, the law of total cumulance on the right."""
    terms: list[Term] = []
    for partition in set_partitions(tuple(range(len(free)))):
        terms += joint([_conditional("".join(free[n] for n in block)) for block in partition], order)
    left, right = _split(terms, unknown)
    return Formula((Term(sp.S.One, ((unknown, tuple(free)),)), *(Term(-t.coefficient, t.factors) for t in left)), right)


def _split(terms: Iterable[Term], unknown: str, sign: int = 1) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """The terms with the unknown, and `sign` times those without."""
    terms = tuple(terms)
    with_it = tuple(t for t in terms if unknown in {name for name, _ in t.factors})
    return with_it, tuple(Term(sign * t.coefficient, t.factors) for t in terms if t not in with_it)


def _named(name: str, right: tuple[Term, ...]) -> Formula:
    return Formula((Term(sp.S.One, ((name, ()),)),), right)


def _conditional(free: str) -> list[Piece]:
    """The conditional cumulant of x'_i, x'_j, … given x: drift, covariance, third cumulant."""
    scaled = tuple(("D", (i, n)) for n, i in enumerate(free))
    n = len(free)
    if n == 1:
        return [
            Piece(0, sp.S.One, (("F", (free, 1)),), (1,)),
            Piece(1, -e / 4, (*scaled, ("T", (0, 1, 2))), (1, 2)),
            Piece(2, -e / 12, (*scaled, ("Q", (0, 1, 2, 3))), (1, 2, 3)),
            Piece(2, -e * gamma / 2, (("D", (free, 1)),), (1,)),
        ]
    if n == 2:
        return [
            Piece(0, e, (("D", tuple(free)),)),
            Piece(0, e**2 / 4, (*scaled, ("G", (0, 1)))),
            Piece(1, e**2 / 4, (*scaled, ("G,1", (0, 1, 2))), (2,)),
            Piece(2, e**2 / 8, (*scaled, ("G,2", (0, 1, 2, 3))), (2, 3)),
        ]
    return [Piece(1, -(e**3) / 8, (*scaled, ("N", (0, 1, 2))))]


def _gradient(free: str) -> list[Piece]:
    """D L at w* + h x over h: its mean vanishes at every order (up to γ, which enters at h³)."""
    return [Piece(0, sp.S.One, (("H", (free, 1)),), (1,)), Piece(1, sp.S.Half, (("T", (free, 1, 2)),), (1, 2))]


def _observable(low: str, third: str) -> list[Piece]:
    names = (low[0], low[1], third)
    return [
        Piece(n, 1 / sp.factorial(n), ((name, tuple(range(n))),), tuple(range(n))) for n, name in enumerate(names, 1)
    ]


def _loss() -> list[Piece]:
    return [
        Piece(n, 1 / sp.factorial(n), ((name, tuple(range(n))),), tuple(range(n))) for n, name in enumerate("HTQ", 2)
    ]


def _renamed(piece: Piece, shift: int) -> Piece:
    def move(indices: tuple[Index, ...]) -> tuple[Index, ...]:
        return tuple(i + shift if isinstance(i, int) else i for i in indices)

    return Piece(piece.order, piece.coefficient, tuple((n, move(i)) for n, i in piece.factors), move(piece.slots))


def _dummies(factors: Iterable[Factor]) -> list[Index]:
    return list(dict.fromkeys(i for _, indices in factors for i in indices if isinstance(i, int)))


def _canonical(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """The same product for every naming of its dummies and every order of its factors and of symmetric indices."""
    dummies = _dummies(factors)

    def written(names: Sequence[int]) -> tuple[Factor, ...]:
        new = dict(zip(dummies, names, strict=True))
        return tuple(sorted(((n, _ordered(n, [new.get(i, i) for i in ix])) for n, ix in factors), key=str))

    return min((written(names) for names in permutations(range(len(dummies)))), key=str)


def _ordered(name: str, indices: list[Index]) -> tuple[Index, ...]:
    """Indices in order where the tensor is symmetric: all but F, and the two sides of a comma."""
    if name == "F":
        return tuple(indices)
    cut = 2 if "," in name else len(indices)
    return (*sorted(indices[:cut], key=str), *sorted(indices[cut:], key=str))


def _factor_tex(name: str, letters: Sequence[str]) -> str:
    if not letters:
        return name
    if "," in name:
        return f"{name[0]}_{{{''.join(letters[:2])},{''.join(letters[2:])}}}"
    return f"{name}_{{{''.join(letters)}}}"


def _signed(coefficient: sp.Expr) -> str:
    if coefficient in (1, -1):
        return "" if coefficient == 1 else "-"
    return f"{sp.latex(coefficient)} "


def _sum_tex(terms: Sequence[Term]) -> str:
    return " + ".join(term.tex() for term in terms).replace("+ -", "- ").replace("-  ", "- ") or "0"


_FACTOR = re.compile(r"(S\^\{\(2\)\}|\\Phi|\\Psi|[A-Za-z])_\{([a-z,]+)\}")
_COEFFICIENT = re.compile(r"\\frac\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\{(\d+)\}")


def read(tex: str) -> list[Term]:
    r"""The terms of one side of a printed tensor formula, for example `- \frac{e}{4} D_{ip} T_{pqr} S_{qr}`; i, j, k are free."""
    terms = []
    for text in re.split(r"(?=[+-] )", tex.strip()):
        if not text.strip():
            continue
        factors = [
            (name + (f",{len(ix) - 3}" if "," in ix else ""), tuple(i if i in "ijk" else ord(i) for i in ix.replace(",", "")))
            for name, ix in _FACTOR.findall(text)
        ]  # fmt: skip
        terms.append(Term(_read_coefficient(_FACTOR.sub("", text)), tuple(factors)))
    return terms


def _read_coefficient(text: str) -> sp.Expr:
    sign = -1 if "-" in text else 1
    text = (
        _COEFFICIENT.sub(r"(\1)/(\2)", text).replace(r"\gamma", "*gamma").replace("^{2}", "**2").replace("^{3}", "**3")
    )
    body = re.sub(r"[+\-\s]", "", text)
    return sign * sp.sympify(body, {"e": e, "gamma": gamma}) if body else sp.Integer(sign)


@cache
def in_u(*, minibatches: bool = False) -> dict[str, sp.Expr]:
    """The formulas of `theory.stationary` in one dimension as functions of u = eλ, T, Q, γ (and G, G', G'', N of minibatches).

    L = λx²/2 + Tx³/6 + Qx⁴/24 at w* = 0: S, m, K, S2, l0, l1, t² Cov(w², w), t² Cov(L, w), t² Cov(L, w²).
    """
    G, G1, G2, N = DATA[3:]
    loss = lam * _x**2 / 2 + T * _x**3 / 6 + Q * _x**4 / 24
    noise = {(0, 0): G + G1 * _x + G2 * _x**2 / 2, (0, 0, 0): N} if minibatches else None
    one = law(loss, (_x,), e=u / lam, at=(0,), gamma=gamma, noise=noise)
    l0, l1 = one.learning_coefficient()
    found = {"S": one.S[0], "m": one.m[0], "K": one.K[0, 0, 0], "S2": one.S2[0], "l0": l0, "l1": l1}
    found["Cov(w^2,w)"] = one.covariance(_x**2, _x)[1]
    found["Cov(L,w)"], found["Cov(L,w^2)"] = one.with_the_loss(_x), one.with_the_loss(_x**2)
    return {name: _by_tensor(value) for name, value in found.items()}


def _by_tensor(value: sp.Expr) -> sp.Expr:
    """Σ (monomial in T, Q, γ, …) · (factored function of u and λ)."""
    numerator, denominator = sp.fraction(lowest_terms(value))
    terms = sp.Poly(numerator, *DATA).terms()
    return sp.Add(*(sp.Mul(*map(sp.Pow, DATA, powers)) * sp.factor(c / denominator) for powers, c in terms))


_NAMES = {"S2": r"S^{(2)}", "l0": r"\ell_0", "l1": r"\ell_1", "Cov(w^2,w)": r"t^2\,\mathsf{Cov}(w^2, w)"} | {
    f"Cov(L,{w})": rf"t^2\,\mathsf{{Cov}}(L, {w})" for w in ("w", "w^2")
}


def tex_in_u(*, minibatches: bool = False) -> dict[str, str]:
    """`in_u` as lines of TeX."""
    return {
        name: f"{_NAMES.get(name, name)} = {sp.latex(value)}" for name, value in in_u(minibatches=minibatches).items()
    }


__all__ = ["Formula", "Piece", "Term", "formulas", "in_u", "joint", "read", "tex_in_u"]
