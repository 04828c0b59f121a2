"""Diagrams: contraction by hand, and the printed forms."""

import sympy as sp

from theory import diagrams
from theory.graphs import connected, surviving

x, y = sp.symbols("x y", real=True)


def test_the_single_edge_is_lemma_20() -> None:
    (edge,) = connected(2, 1)
    sigma = sp.Matrix([[2, 1], [1, 3]])
    a, b = sp.symbols("a1 a2"), sp.symbols("b1 b2")
    value = diagrams.contract(edge, [lambda i: a[i[0]], lambda i: b[i[0]]], sigma)
    assert sp.expand(value - (sp.Matrix([a]) * sigma * sp.Matrix(b))[0]) == 0


def test_lemma_25_prints_as_four_terms() -> None:
    lines = [diagrams.index_notation(g) for g in surviving(connected(2, 2), {0: {1}})]
    assert lines == [
        "1/2 φ_ik ψ_jl Σ_ij Σ_kl",
        "1/2 φ_ijk ψ_l Σ_ij Σ_kl",
        "-1/2 φ_ik ψ_p L_jlq Σ_ij Σ_kl Σ_pq",
        "-1/2 φ_ik ψ_j L_lpq Σ_ij Σ_kl Σ_pq",
    ]


def test_tex_of_the_edge() -> None:
    (edge,) = connected(2, 1)
    assert diagrams.tex(edge) == r"1 \phi_{i} \psi_{j} \Sigma_{ij}"


def test_prior_tensors_enter() -> None:
    """⟨x⟩ for L = x²/2 and prior e^{bx}: the mean is b/t exactly."""
    b = sp.Symbol("b")
    assert diagrams.cumulant(x**2 / 2, [x], (x,), order=1, prior=sp.exp(b * x)) == b
    assert diagrams.cumulant(x**2 / 2, [x], (x,), order=2, prior=sp.exp(b * x)) == 0
