"""The checker's own algebra against sympy's, and its limits."""

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.certificate.polynomials import MAX_DEGREE, MAX_POWER, make_ring, monomial_map, parse, power
from theory.certificate.refusal import Refused

NAMES = ("x", "y", "z")
RING = make_ring(list(NAMES))
SYMBOLS = dict(zip(NAMES, sp.symbols("x y z"), strict=True))
exponents = st.tuples(*[st.integers(0, 3)] * 3)
polynomials = st.dictionaries(exponents, st.integers(-5, 5).filter(bool), min_size=1, max_size=4)
images = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from([1, -1]), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3))),
)


def plain(terms) -> sp.Expr:
    x = [SYMBOLS[n] for n in NAMES]
    return sp.Add(*(c * sp.Mul(*(v**e for v, e in zip(x, powers, strict=True))) for powers, c in terms.items()))


def read(p) -> sp.Expr:
    return plain({tuple(map(int, e)): sp.Rational(int(Fraction(str(c)))) for e, c in p.to_dict().items()})


@settings(max_examples=100, deadline=None)
@given(polynomials, images)
def test_names_become_signed_monomials(terms, table):
    there = {SYMBOLS[n]: sign * sp.Mul(*(SYMBOLS[m] ** k for m, k in to.items())) for n, (sign, to) in table.items()}
    expected = sp.expand(plain(terms).subs(there, simultaneous=True))
    assert sp.expand(read(monomial_map(RING.from_dict(terms), table)) - expected) == 0


def test_powers_and_their_limits():
    p = parse(RING, "x + y - 2*z")
    assert sp.expand(read(power(p, 3)) - (SYMBOLS["x"] + SYMBOLS["y"] - 2 * SYMBOLS["z"]) ** 3) == 0
    assert power(parse(RING, "x"), MAX_DEGREE) == RING.from_dict({(MAX_DEGREE, 0, 0): 1})
    for base, k in (("x", MAX_DEGREE + 1), ("x + 1", MAX_POWER + 1), ("x + y + z + 1 + x*y + y*z + z*x", 40)):
        with pytest.raises(Refused):
            power(parse(RING, base), k)
