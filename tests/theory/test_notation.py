"""What a graph prints is what it is worth: the printed forms are read back and evaluated."""

import re
from functools import cache

import numpy as np
import pytest
import sympy as sp

from theory.diagrams import Diagrams
from theory.graphs import Graph, connected, surviving
from theory.notation import index_notation, matrix_notation, matrix_tex, tex

x, y = sp.symbols("x y", real=True)
V = (x, y)
LOSS = (
    x**2
    + x * y / 2
    + y**2
    + x**3 / 3
    - x * y**2
    + x**2 * y / 2
    + x**4
    - y**4 / 3
    + x**2 * y**2
    + x**5
    - x**2 * y**3
    + x**6
    - y**6
)
PHIS = (
    x + 2 * y + y**2 - x * y / 3 + x**3 - y**2 * x + x**4 - x * y**3,
    y - x / 3 - x**2 / 2 + x * y**2 + x**3,
    x - y + x * y - x**2 + y**3,
)
PRIOR = sp.exp(x / 2 - y + x * y / 3 - x**2 + y**3)
FUNCTIONS = {"φ": PHIS[0], "ψ": PHIS[1], "χ": PHIS[2], "L": LOSS, "p": sp.log(PRIOR)}
NAMES = {
    "a": "φ1", "A": "φ2", "Φ": "φ3", "b": "ψ1", "B": "ψ2", "Ψ": "ψ3", "c": "χ1", "C": "χ2", "X": "χ3",
    "p": "p1", "P": "p2", "T": "L3", "Q": "L4",
}  # fmt: skip


@cache
def derivative(name: str) -> np.ndarray:
    """The full derivative array at 0 behind a printed letter: `Φ`, `D⁵L`."""
    if name == "Σ":
        return np.array(sp.hessian(LOSS, V).subs({x: 0, y: 0}).inv().tolist())
    key = NAMES.get(name) or name[-1] + name[1:-1].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    rank = int(key[1:])
    result = np.empty((2,) * rank, dtype=object)
    for index in np.ndindex(result.shape):
        f = FUNCTIONS[key[0]]
        for i in index:
            f = sp.diff(f, V[i])
        result[index] = f.subs({x: 0, y: 0})
    return result


class Reader:
    """A recursive-descent reader of the matrix notation, written from its description alone."""

    def __init__(self, text: str):
        self.tokens = re.findall(r"tr|D[⁰¹²³⁴⁵⁶⁷⁸⁹]*.|[aAΦbBΨcCXpPTQΣ]|[():·⟨⟩{},ᵀ]", text)

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, expected: str = "") -> str:
        assert not expected or self.peek() == expected, (expected, self.tokens)
        return self.tokens.pop(0)

    def scalar(self):
        if self.peek() == "tr":
            self.take(), self.take("(")
            value = np.trace(self.product())
            self.take(")")
        elif self.peek() == "⟨":
            self.take()
            u = self.factor()
            self.take(",")
            v = self.factor()
            self.take("⟩"), self.take("{")
            value = u
            while self.peek() != "}":
                value = np.tensordot(value, self.product(), (0, 0))  # the new index goes last: the order is kept
                if self.peek() == ",":
                    self.take()
            self.take()
            value = (value * v).sum()
        else:
            value = self.product()
            if self.peek() == "·":
                self.take()
                value = value.dot(self.factor())
        assert not self.tokens
        return value

    def product(self):
        value = self.factor()
        while self.peek() not in ("", ")", ",", "}", "·", ":"):
            if self.peek() == "ᵀ":
                self.take()
                continue
            value = np.tensordot(value, self.factor(), (-1, 0))
        return value

    def factor(self):
        if self.peek() != "(":
            return derivative(self.take())
        self.take()
        value = self.product()
        while self.peek() != ")":
            if self.take() == ":":
                value = np.tensordot(value, self.product(), ((-2, -1), (0, 1)))
            else:
                value = np.tensordot(value, self.product(), (-1, 0))
        self.take()
        return value


def weight_and_body(text: str) -> tuple[sp.Rational, str]:
    match = re.match(r"(−?)([½¼⅙⅛⅓]|\d+(?:/\d+)?)? ?(.*)", text)
    assert match
    sign, size, body = match.groups()
    fraction = {"½": "1/2", "¼": "1/4", "⅙": "1/6", "⅛": "1/8", "⅓": "1/3"}.get(size, size or "1")
    return sp.Rational(fraction) * (-1 if sign else 1), body


FAMILIES = [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (3, 2)]


@pytest.mark.parametrize(("marked", "order"), FAMILIES)
@pytest.mark.parametrize("prior", [False, True])
def test_matrix_notation_has_the_value_of_its_graph(marked: int, order: int, prior: bool) -> None:
    graphs = connected(marked, order, prior=prior)
    engine = Diagrams(LOSS, PHIS[:marked], V, graphs, prior=PRIOR)
    for graph in graphs:
        text = matrix_notation(graph)
        assert "_" not in text, text  # reduced, not index notation
        weight, body = weight_and_body(text)
        assert weight == graph.weight
        assert sp.simplify(weight * Reader(body).scalar() - engine.value(graph)) == 0, text


@pytest.mark.parametrize(("marked", "order"), [(2, 3), (3, 3)])
def test_graphs_with_two_loops_reduce_to_their_value(marked: int, order: int) -> None:
    """Beyond order 2 dressed edges and nested arguments appear. With k + 1 − m ≤ 2 independent loops the only core is ⟨D, E⟩."""
    graphs = connected(marked, order)
    engine = Diagrams(LOSS, PHIS[:marked], V, graphs)
    for graph in graphs:
        text = matrix_notation(graph)
        weight, body = weight_and_body(text)
        assert sp.simplify(weight * Reader(body).scalar() - engine.value(graph)) == 0, text


def test_long_chains_are_read_in_their_order() -> None:
    """Products of three and more matrices between vertices are no palindromes."""

    def graph(edges: list[tuple[int, int]], marked: int, prior: int, loss: int) -> Graph:
        n = marked + prior + loss
        rows = [[0] * n for _ in range(n)]
        for i, j in edges:
            rows[i][j] += 1
            rows[j][i] += i != j
        return Graph(marked, prior, loss, tuple(map(tuple, rows)), 1)

    # (T:Σ) – B – P – A – C – P – (T:Σ), A taken out last; then a three-legged T that takes a vector through C and B.
    path = graph([(5, 5), (5, 1), (1, 3), (3, 0), (0, 2), (2, 4), (4, 6), (6, 6)], 3, 2, 2)
    star = graph([(0, 1), (1, 2), (2, 5), (5, 3), (5, 4)], 3, 2, 1)
    for each in (path, star):
        engine = Diagrams(LOSS, PHIS, V, [each], prior=PRIOR)
        weight, body = weight_and_body(matrix_notation(each))
        assert body.count("Σ") == len(each.edges)
        assert sp.simplify(weight * Reader(body).scalar() - engine.value(each)) == 0, body


def test_the_graphs_with_a_tetrahedron_keep_their_indices() -> None:
    texts = [matrix_notation(g) for g in connected(0, 2)]
    assert sum("_" in text for text in texts) == 3
    assert sum("_" in matrix_tex(g) and r"\Sigma_{" in matrix_tex(g) for g in connected(0, 2)) == 3


def test_lemma_25_prints_as_four_terms() -> None:
    graphs = surviving(connected(2, 2), {0: {1}})
    assert [matrix_notation(g) for g in graphs] == [
        "½ tr(AΣBΣ)",
        "½ (Σb)·(Φ:Σ)",
        "−½ (Σb)·(T:ΣAΣ)",
        "−½ bᵀΣAΣ(T:Σ)",
    ]
    assert [index_notation(g) for g in graphs] == [
        "1/2 φ_ik ψ_jl Σ_ij Σ_kl",
        "1/2 φ_ijk ψ_l Σ_ij Σ_kl",
        "-1/2 φ_ik ψ_p L_jlq Σ_ij Σ_kl Σ_pq",
        "-1/2 φ_ik ψ_j L_lpq Σ_ij Σ_kl Σ_pq",
    ]


def test_tex() -> None:
    (edge,) = connected(2, 1)
    assert tex(edge) == r"\varphi_{i} \psi_{j} \Sigma_{ij}"
    assert matrix_tex(edge) == r"a^{\top}\Sigma b"
    graph = surviving(connected(2, 2), {0: {1}})[2]
    assert tex(graph) == r"- \frac{1}{2} \varphi_{ik} \psi_{p} L_{jlq} \Sigma_{ij} \Sigma_{kl} \Sigma_{pq}"
    assert matrix_tex(graph) == r"- \frac{1}{2} (\Sigma b)\cdot (T{:}\Sigma A\Sigma )"
    by_text = {matrix_notation(g): matrix_tex(g) for g in connected(1, 2)}
    assert by_text["−¼ (Σ(Φ:Σ))·(T:Σ)"] == r"- \frac{1}{4} (\Sigma (\Phi {:}\Sigma ))\cdot (T{:}\Sigma )"
    assert by_text["⅛ tr((D⁴φ:Σ)Σ)"] == r"\frac{1}{8} \operatorname{tr}((D^{4}\varphi {:}\Sigma )\Sigma )"
    assert by_text["−⅙ ⟨Φ, T⟩{Σ,Σ,Σ}"] == r"- \frac{1}{6} \langle \Phi , T\rangle _{\Sigma ,\Sigma ,\Sigma }"


def test_many_observables_are_numbered() -> None:
    star = next(g for g in connected(4, 3) if not g.loss and g.valence(3) == 3)
    assert index_notation(star) == "φ_i ψ_k χ_p φ^4_jlq Σ_ij Σ_kl Σ_pq"
    assert "D³φ₄" in matrix_notation(star)
    assert any("Dφ₄" in matrix_notation(g) for g in connected(4, 3))
    assert any("D²φ₄" in matrix_notation(g) for g in connected(4, 3))


def test_weights_of_one_and_prior_vertices_in_print() -> None:
    assert index_notation(connected(3, 2)[-1]) == "-φ_i ψ_k χ_p L_jlq Σ_ij Σ_kl Σ_pq"
    assert matrix_notation(connected(3, 2)[-1]) == "−bᵀΣ(T·Σa)Σc"
    assert index_notation(connected(1, 1, prior=True)[1]) == "φ_i p_j Σ_ij"
    assert "−⅛ (Σa)·(D⁵L:Σ:Σ)" in map(matrix_notation, connected(1, 2))  # one pair of parentheses for both loops


def test_indices_never_run_out() -> None:
    """Forty-five edges between two vertices: 90 letters, told apart by primes."""
    text = index_notation(Graph(2, 0, 0, ((0, 45), (45, 0)), 1))
    letters = re.findall(r"Σ_([a-z]'*)([a-z]'*)(?: |$)", text)
    assert len(letters) == 45
    assert len({i for pair in letters for i in pair}) == 90
