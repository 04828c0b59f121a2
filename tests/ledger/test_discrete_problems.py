"""The problems of the discrete chain are what they are said to be."""

from itertools import product

import pytest
import sympy as sp

from ledger import discrete_problems as problems
from ledger.discrete import HALF, Closed
from ledger.discrete_problems import PAIR, R, x, y


def test_the_pair_is_dense() -> None:
    """Every cumulant of the noise up to the third, and every derivative of the loss up to the fourth at second order or above."""
    pairs, triples = ([tuple(sorted(i)) for i in product(range(2), repeat=rank)] for rank in (2, 3))
    assert set(PAIR.gradient_noise) == {*pairs, *triples} and all(PAIR.gradient_noise.values())
    assert all(PAIR.tensor(PAIR.loss, rank)(*i) for rank in (3, 4) for i in product(range(2), repeat=rank))
    assert PAIR.gamma and all(PAIR.gradient_noise[i].diff(v) for i in pairs for v in (x, y))


def derivatives(f: sp.Expr, *orders: int) -> list[sp.Expr]:
    return [f.diff(x, n).subs(x, 0) for n in orders]


def test_the_line_and_the_plane_are_what_they_are_said_to_be() -> None:
    """Minimum 0 at 0, H, T and Q as stated; bounded third derivatives, so that no chain of small steps leaves."""
    line, plane = problems.line(1), problems.plane(R(1, 4))
    assert derivatives(line.loss, 0, 1, 2, 3, 4) == [0, 0, R(5, 4), HALF, R(-1, 4)]
    at = dict.fromkeys((x, y), 0)
    assert plane.loss.subs(at) == 0 and [plane.loss.diff(v).subs(at) for v in (x, y)] == [0, 0]
    assert sp.hessian(plane.loss, (x, y)).subs(at) == sp.diag(1, R(3, 2))
    tensors = [plane.tensor(plane.loss, rank)(*i) for rank in (3, 4) for i in product(range(2), repeat=rank)]
    assert tensors.count(0) == 0
    for problem, size in ((line, 1), (plane, R(1, 4))):
        third = [problem.loss.diff(v, 3) for v in problem.variables]
        assert all(f.as_poly(*problem.variables) is None and abs(f.subs({x: 10**3, y: 7})).evalf() < 2 for f in third)
        assert problem.e == size and problem.name.endswith(f"e = {size}")


def test_batches_have_the_cumulants_of_their_three_examples() -> None:
    """Labels 1, 1, −2 with κ₂ = 2 and κ₃ = −2 on a slope k(w): G = ratio·2k², N = ratio²·(−2)k³, and k(0) = 2/5."""
    problem = problems.batches(R(1, 8), 3)
    assert (problem.e, problem.ratio, problem.name) == (R(1, 8), 3, "batches, e = 1/8")
    slope = problem.kick.diff(x)
    assert slope.subs(x, 0) == R(2, 5) and slope.diff(x).subs(x, 0) != 0 and sum(problem.labels) == 0
    assert problems.batches(1).ratio == 4
    closed = Closed(problem)
    assert sp.simplify(problem.gradient_noise[0, 0] - 3 * 2 * slope**2) == 0
    assert [closed.G(0, 0), closed.N(0, 0, 0)] == [6 * R(2, 5) ** 2, -18 * R(2, 5) ** 3]
    assert closed.G(0, 0, 0) == sp.diff(6 * slope**2, x).subs(x, 0) and problems.line(1).gradient_noise == {}


@pytest.mark.parametrize("variables", [(x,), (x, y)])
def test_observables_are_quadratic_or_have_all_derivatives(variables) -> None:
    """Dφ = 0, and no other derivative up to the third of φ and ψ, or first of the linear form, vanishes altogether."""
    phi, psi = problems.observables(variables)
    at, d = dict.fromkeys((x, y), 0), len(variables)
    for f, ranks in ((phi, (2, 3)), (psi, (1, 2)), (problems.linear(variables), (1,))):
        assert f.free_symbols == set(variables)
        values = {
            rank: [f.diff(*v).subs(at) if v else f for v in product(variables, repeat=rank)] for rank in (1, 2, 3)
        }
        assert all(any(values[rank]) for rank in ranks)
    assert [phi.diff(v).subs(at) for v in variables] == [0] * d and phi.subs(at) == psi.subs(at) == 0
    slopes = [problems.linear(variables).diff(v) for v in variables]
    assert slopes == ([1] if d == 1 else [HALF, 1])


def test_symbols_are_positive_and_the_generic_tensors_are_they() -> None:
    problem = problems.GENERIC
    letters = (problems.lam, problems.e, problems.gamma, problems.T_, problems.Q_, problems.G_, problems.N_)
    assert all(letter.is_positive for letter in letters)
    assert derivatives(problem.loss, 0, 1, 2, 3, 4) == [0, 0, problems.lam, problems.T_, problems.Q_]
    closed = Closed(problem)
    assert [closed.G(0, 0), closed.G(0, 0, 0), closed.G(0, 0, 0, 0)] == [problems.G_, problems.G1, problems.G2]
    assert closed.N(0, 0, 0) == problems.N_ and closed.S[0, 0].subs(problems.G_, 0).equals(
        1 / (problems.lam * (1 - problems.e * problems.lam / 4))
    )
