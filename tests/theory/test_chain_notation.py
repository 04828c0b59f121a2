"""The printed formulas of the chain, read back and put against the matrix equations and the moment recursion."""

import re

import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory import chain_notation as cn
from theory import langevin
from theory.stationary import law
from theory.tensors import taylor

x, y = sp.symbols("x y", real=True)
R = sp.Rational
V = (x, y)
small = st.fractions(min_value=-1, max_value=1, max_denominator=3).map(lambda q: R(q.numerator, q.denominator))


def tensors(loss, phi, psi, noise, D, step, gamma) -> dict:
    """Every letter of the formulas by differentiation at the origin, and S, m, K, S₂ from the moment recursion."""
    options = {"e": step, "at": (0, 0), "gamma": gamma, "noise": noise, "preconditioner": D}
    n = range(2)

    def derivative(f, *by):
        return sp.sympify(sp.diff(f, *(V[i] for i in by)) if by else f).subs({x: 0, y: 0})

    def array(rank, value):
        return sp.Array([value(*i) for i in sp.utilities.iterables.variations(n, rank, True)], (2,) * rank)

    def recursion(order, *i):
        return langevin.cumulant(loss, [V[k] for k in i], V, order=order, **options)[order]

    def G(i, j):
        return noise[min(i, j), max(i, j)]

    H = array(2, lambda *i: derivative(loss, *i))
    found = {
        "D": sp.Array(D), "H": H, "F": sp.Array(sp.eye(2) - step / 2 * D * sp.Matrix(H.tolist())),
        "T": array(3, lambda *i: derivative(loss, *i)), "Q": array(4, lambda *i: derivative(loss, *i)),
        "G": array(2, lambda i, j: derivative(G(i, j))), "G,1": array(3, lambda i, j, *k: derivative(G(i, j), *k)),
        "G,2": array(4, lambda i, j, *k: derivative(G(i, j), *k)),
        "N": array(3, lambda *i: derivative(noise[tuple(sorted(i))])),
        "S": array(2, lambda *i: recursion(1, *i)), "S^{(2)}": array(2, lambda *i: recursion(2, *i)),
        "K": array(3, lambda *i: recursion(2, *i)), "m": array(1, lambda i: recursion(1, i)),
    }  # fmt: skip
    for names, f in ((("a", "A", r"\Phi"), phi), (("b", "B", r"\Psi"), psi)):
        for rank, name in enumerate(names, 1):
            found[name] = array(rank, lambda *i, f=f: derivative(f, *i))
    return found


def value(terms, known, free) -> sp.Expr:
    at = {cn.e: known["e"], cn.gamma: known["gamma"]}
    return sp.Add(*(term.value(known, free, 2) for term in terms)).subs(at)


@settings(max_examples=3, deadline=None)
@given(st.lists(small, min_size=12, max_size=12), st.sampled_from([R(1, 5), R(1, 3)]))
def test_printed_tensor_formulas_hold_for_the_recursion(c, step) -> None:
    """Each formula is printed, read from its TeX, and evaluated with tensors of the recursion: d = 2, everything on."""
    loss = x**2 + y**2 / 2 + c[0] * x * y / 2 + c[1] * x**3 / 3 + c[2] * x**2 * y / 2 + y**3 / 5 + (x**2 + y**2) ** 2
    phi, psi = x + c[3] * y + x * y + c[4] * x**2 + x**2 * y / 3, y - c[5] * x + y**2 + c[6] * x * y + c[7] * x**3
    noise = {(0, 0): 1 + c[8] * x + x * y, (0, 1): c[9] / 2 + y**2, (1, 1): 2 + c[10] * y}
    noise |= {(0, 0, 0): R(1), (0, 0, 1): c[11], (0, 1, 1): R(1, 2), (1, 1, 1): R(-1)}
    D, gamma = sp.Matrix([[1, R(1, 4)], [R(1, 4), R(1, 2)]]), R(2, 3)
    known = tensors(loss, phi, psi, noise, D, step, gamma) | {"e": step, "gamma": gamma}
    options = {"e": step, "at": (0, 0), "gamma": gamma, "noise": noise, "preconditioner": D}
    for name in ("S", "m", "K", "S2"):
        left, right = map(cn.read, cn.formulas()[name].tex().split("="))
        for free in ((0, 0, 0), (0, 1, 1), (1, 0, 1)):
            at = dict(zip("ijk", free, strict=True))
            assert value(left, known, at) == value(right, known, at)
    chain = {"t2": langevin.cumulant(loss, (phi, psi), V, order=2, **options)[2]}
    flat = phi - sp.diff(phi, x).subs({x: 0, y: 0}) * x - sp.diff(phi, y).subs({x: 0, y: 0}) * y
    expected = {
        "Lemma 18": langevin.expectation(loss, psi, V, order=1, **options)[1],
        "Lemma 20": langevin.cumulant(loss, (phi, psi), V, order=1, **options)[1],
        "second covariance": chain["t2"],
        "Lemma 25": langevin.cumulant(loss, (flat, psi), V, order=2, **options)[2],
        "Example 27": langevin.cumulant(loss, (loss, psi), V, order=2, **options)[2],
        "l0": langevin.expectation(loss, loss, V, order=1, **options)[1],
        "l1": langevin.expectation(loss, loss, V, order=2, **options)[2],
    }
    for name, number in expected.items():
        right = cn.read(cn.formulas()[name].tex().split("=")[1])
        assert value(right, known, {}) == number, name


def test_a_formula_that_is_read_back_is_the_formula() -> None:
    for formula in cn.formulas().values():
        for side, tex in zip((formula.left, formula.right), formula.tex().split("="), strict=True):
            if side[0].factors[0][1]:
                assert [cn._canonical(t.factors) for t in cn.read(tex)] == [cn._canonical(t.factors) for t in side]
                assert [sp.expand(a.coefficient - b.coefficient) for a, b in zip(cn.read(tex), side, strict=True)] == (
                    [0] * len(side)
                )


def test_a_formula_with_a_changed_sign_or_factor_does_not_hold() -> None:
    """The check above has teeth: each term of each right-hand side counts."""
    loss = x**2 + y**2 / 2 + x * y / 3 + x**3 / 3 + x**2 * y / 2 + y**3 / 5 + (x**2 + y**2) ** 2
    noise = {(0, 0): 1 + x + x * y, (0, 1): R(1, 2) + y**2, (1, 1): 2 + y + x**2}
    noise |= {(0, 0, 0): R(1), (0, 0, 1): R(2), (0, 1, 1): R(1, 2), (1, 1, 1): R(-1)}
    D, step, gamma = sp.Matrix([[1, R(1, 4)], [R(1, 4), R(1, 2)]]), R(1, 3), R(2, 3)
    known = tensors(loss, x, y, noise, D, step, gamma) | {"e": step, "gamma": gamma}
    at: dict[cn.Index, int] = {"i": 0, "j": 1, "k": 1}
    for name in ("S", "m", "K", "S2"):
        formula = cn.formulas()[name]
        assert formula.difference(known, at, 2).subs({cn.e: step, cn.gamma: gamma}) == 0
        for left_out in formula.right:
            assert value([left_out], known, at) != 0


def test_one_dimension_in_u() -> None:
    """The sympy behind each printed line is the recursion's coefficient, noise included; and in T, Q, γ it is in lowest terms."""
    u, lam = cn.u, cn.lam
    T, Q, gamma, G, G1, G2, N = cn.DATA
    numbers = {lam: R(3, 2), T: R(2, 3), Q: R(5), gamma: R(1, 2), G: R(4, 3), G1: R(1, 5), G2: R(3), N: R(-2)}
    for minibatches in (False, True):
        found = cn.in_u(minibatches=minibatches)
        loss = (lam * x**2 / 2 + T * x**3 / 6 + Q * x**4 / 24).subs(numbers)
        noise = {(0, 0): (G + G1 * x + G2 * x**2 / 2).subs(numbers), (0, 0, 0): numbers[N]} if minibatches else None
        options = {"e": R(1, 2), "at": (0,), "gamma": numbers[gamma], "noise": noise}
        values = {**numbers, u: R(1, 2) * numbers[lam]}

        def cumulant(*phis, order=2, loss=loss, options=options):
            return langevin.cumulant(loss, phis, (x,), order=order, **options)[order]

        expected = {
            "S": cumulant(x, x, order=1), "m": cumulant(x, order=1), "K": cumulant(x, x, x), "S2": cumulant(x, x),
            "l0": cumulant(loss, order=1), "l1": cumulant(loss), "Cov(w^2,w)": cumulant(x**2, x),
            "Cov(L,w)": cumulant(loss, x), "Cov(L,w^2)": cumulant(loss, x**2),
        }  # fmt: skip
        assert {name: value.subs(values) for name, value in found.items()} == expected
        assert set(cn.tex_in_u(minibatches=minibatches)) == set(expected)


def scalar(tex: str) -> sp.Expr:
    """A printed function of u, λ, T, Q, γ as sympy: fractions and powers to Python's, a blank for a product."""
    text = tex.replace(r"\left", "").replace(r"\right", "").replace(r"\lambda", "lam").replace(r"\gamma", "gamma")
    text = re.sub(r"\^\{(\d+)\}", r"**\1", text)
    while r"\frac" in text:
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
    text = re.sub(r"(?<=[\w)]) +(?=[\w(])", "*", text)
    return sp.sympify(text, {"lam": cn.lam, "gamma": cn.gamma, "u": cn.u, "T": cn.T, "Q": cn.Q})


def test_printed_lines() -> None:
    """What is printed, word for word, where it is short; the one-dimensional lines read back by sympy's own parser."""
    assert cn.formulas()["S"].tex() == (
        r"S_{ij} - F_{ip} F_{jq} S_{pq} = e D_{ij} + \frac{e^{2}}{4} D_{pi} D_{qj} G_{pq}"
    )
    assert cn.formulas()["Lemma 18"].tex() == r"t\,\delta\mathsf{E}\psi = \frac{1}{2} B_{pq} S_{pq} + b_{p} m_{p}"
    assert cn.tex_in_u()["S2"].startswith(r"S^{(2)} = ")
    for name, line in cn.tex_in_u().items():
        assert sp.simplify(scalar(line.split(" = ")[1]) - cn.in_u()[name]) == 0


def test_the_formulas_are_those_of_the_stationary_law() -> None:
    """l₁ and the covariance as `theory.stationary` writes them by hand, with symbols: a third road."""
    T, lam = sp.symbols("T lambda", positive=True)
    loss = lam * x**2 / 2 + T * x**3 / 6 + x**4
    one = law(loss, (x,), e=cn.e, at=(0,), gamma=cn.gamma)
    f = taylor(x + x**2, (x,), {x: sp.S.Zero})
    known = {
        "H": sp.Array([[lam]]), "S": sp.Array([[one.S[0]]]), "S^{(2)}": sp.Array([[one.S2[0]]]), "K": one.K,
        "m": sp.Array([one.m[0]]), "T": one.data.T, "Q": one.Q,
        "b": sp.Array(list(f.D1)), "B": sp.Array(f.D2.tolist()),
    }  # fmt: skip
    l1 = sp.Add(*(term.value(known, {}, 1) for term in cn.formulas()["l1"].right))
    assert sp.simplify(l1 - one.learning_coefficient()[1]) == 0
    crossed = sp.Add(*(term.value(known, {}, 1) for term in cn.formulas()["Example 27"].right))
    assert sp.simplify(crossed - one.with_the_loss(x + x**2)) == 0


def test_terms_that_cancel_are_not_written() -> None:
    """κ((1 + e)² a_p x_p − (1 + 2e + e²) a_q x_q + b_p x_p) is E b·x alone, whatever the dummies are called."""
    square = (1 + cn.e) ** 2
    pieces = [
        cn.Piece(0, square, (("a", (0,)),), (0,)),
        cn.Piece(0, -sp.expand(square), (("a", (5,)),), (5,)),
        cn.Piece(0, sp.S.One, (("b", (0,)),), (0,)),
    ]
    (term,) = cn.joint([pieces], 1)
    assert term.coefficient == 1 and {name for name, _ in term.factors} == {"b", "m"}
    assert cn.joint([pieces[:2]], 1) == ()


def test_the_unknown_stands_on_the_left_alone() -> None:
    for order, free, unknown in ((0, "ij", "S"), (1, "ijk", "K"), (2, "ij", "S^{(2)}")):
        formula = cn._stationarity(free, order, unknown)
        assert formula.right and all(unknown in {name for name, _ in term.factors} for term in formula.left)
        assert not any(unknown in {name for name, _ in term.factors} for term in formula.right)
