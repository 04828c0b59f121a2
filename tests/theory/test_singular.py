"""Normal crossings against quadrature, closed forms and the separable law."""

import mpmath as mp
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.errors import BadInput
from theory.singular import LOG, partition

x, y, z = sp.symbols("x y z", real=True)


def test_the_classical_crossing() -> None:
    """x²y² on the box: t⟨K⟩ = ½ − 1/(log t + γ_E + 2 log 2)."""
    Z = partition(x**2 * y**2, (x, y))
    assert (Z.threshold, Z.multiplicity) == (sp.Rational(1, 2), 2)
    assert Z.leading == (sp.sqrt(sp.pi) / 4, sp.Rational(1, 2), 1)
    expected = sp.Rational(1, 2) - 1 / (LOG + sp.EulerGamma + 2 * sp.log(2))
    assert sp.simplify(Z.leading_mean_potential() - expected) == 0


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 2), (2, 1), (3, 2)])
def test_box_series_against_quadrature(a: int, b: int) -> None:
    """The box sum misses only e^{−t}: at t = 60 it has 20 digits."""
    t = 60
    with mp.workdps(30):
        # inner integral over y by the incomplete gamma function, outer by quadrature: shares nothing with the poles
        def inner(c):
            s = mp.mpf(1) / (2 * b)
            return mp.gammainc(s, 0, c) * c ** (-s) / (2 * b) if c > 0 else mp.mpf(1)

        found = mp.quad(lambda w: inner(t * w ** (2 * a)), [0, 0.05, 0.2, 0.5, 1])
        series = partition(x ** (2 * a) * y ** (2 * b), (x, y), poles_up_to=3).series(sp.Integer(t))
        assert abs(mp.mpf(str(sp.N(series, 30))) / found - 1) < mp.mpf(10) ** -20


@pytest.mark.parametrize(("a", "t"), [(1, 50), (2, 50), (3, 1000)])
def test_gaussian_series_against_quadrature(a: int, t: int) -> None:
    """x^{2a}y² with prior N(0,1)²: y integrated exactly, x by quadrature; the poles left out are smaller than about (5/t)^5."""
    with mp.workdps(30):
        edges = [0, 0.02, 0.1, 0.3, 1, 3, 7, 12]
        found = (
            2 * mp.quad(lambda w: mp.exp(-w * w / 2) / mp.sqrt(1 + 2 * t * w ** (2 * a)), edges) / mp.sqrt(2 * mp.pi)
        )
        series = partition(x ** (2 * a) * y**2, (x, y), domain="gaussian", poles_up_to=5).series(sp.Integer(t))
        assert abs(mp.mpf(str(sp.N(series, 30))) / found - 1) < mp.mpf(5 / t) ** 5


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_threshold_and_multiplicity(halves: list[int]) -> None:
    """λ = min 1/(2k_i), m = how many attain it (in three variables as well)."""
    K = sp.Mul(*(v ** (2 * k) for v, k in zip((x, y, z), halves, strict=False)))
    Z = partition(K, (x, y, z)[: len(halves)], domain="symmetric")
    assert Z.threshold == sp.Rational(1, 2 * max(halves))
    assert Z.multiplicity == halves.count(max(halves))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2), st.integers(1, 5))
def test_one_variable_is_a_gamma_function(k: int, j: int, c: int) -> None:
    """∫ x^{2j} e^{−t c x^{2k}} over [−1, 1] → Γ((2j+1)/2k)/k · (ct)^{−(2j+1)/2k} (the separable law)."""
    (term,) = partition(c * x ** (2 * k), (x,), domain="symmetric", observable=x ** (2 * j)).terms
    s = sp.Rational(2 * j + 1, 2 * k)
    assert term.power == s
    assert sp.simplify(term.polynomial - sp.gamma(s) / k * sp.Integer(c) ** (-s)) == 0


@pytest.mark.parametrize(
    ("K", "kwargs", "says"),
    [
        (x**2 + y**2, {}, "not a monomial"),
        (x**3 * y**2, {}, "not a normal crossing"),
        (-(x**2), {}, "not a normal crossing"),
        (x**2, {"domain": "sphere"}, "not one of"),
        (x**2 * y**2, {"domain": "gaussian", "observable": x}, "identically 0"),
        (x**2, {"poles_up_to": "1/4"}, "no pole"),
    ],
)
def test_what_is_no_crossing_is_refused(K, kwargs, says) -> None:
    with pytest.raises(BadInput, match=says):
        partition(K, (x, y), **kwargs)
