"""Against another program: half the complex log canonical threshold of the ideal, by Macaulay2's b-functions, is a lower bound.

λ(Σ g_i²) at the origin ≥ ½ lct(⟨g_i⟩), the latter over all complex points. Needs `M2` (Debian: macaulay2).
"""

import random
import shutil
import subprocess

import pytest
import sympy as sp

from tests.theory.rlct.ideals import random_polynomials
from theory.rlct import rlct_ideal

X = sp.symbols("x y z", real=True)
IDEALS, SECONDS = 60, 10
needs_macaulay2 = pytest.mark.skipif(
    shutil.which("M2") is None, reason="Macaulay2 is not installed (Debian: macaulay2)"
)


def random_ideal(rng):
    variables = X[: rng.choice([2, 2, 3])]
    return variables, random_polynomials(rng, variables, (1, 3)) or [variables[0] ** 2]


def complex_threshold(generators, variables):
    """lct of the ideal, None when it takes too long."""
    listed = ",".join(str(g).replace("**", "^") for g in generators)
    script = (
        f'needsPackage "Dmodules"; R = QQ[{",".join(map(str, variables))}]; print toString lct ideal({listed}); exit 0'
    )
    try:
        done = subprocess.run(["M2", "--silent", "-q", "-e", script], capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return sp.Rational(done.stdout.split()[-1]) if done.returncode == 0 and done.stdout.split() else None


@pytest.mark.slow
@needs_macaulay2
def test_no_bracket_lies_below_half_the_complex_threshold():
    rng = random.Random(3)
    seen = 0
    for _ in range(IDEALS):
        variables, generators = random_ideal(rng)
        bound = complex_threshold(generators, variables)
        if bound is None:
            continue
        found = rlct_ideal(generators, variables, time_limit=5)
        assert found.upper >= bound / 2, (generators, found.upper, bound)
        seen += 1
    assert seen >= IDEALS // 2


@needs_macaulay2
def test_the_real_threshold_may_be_larger():
    """x² + y² + z² vanishes at one real point only: ¾ against ½."""
    sphere = [X[0] ** 2 + X[1] ** 2 + X[2] ** 2]
    bound = complex_threshold(sphere, X)
    assert bound is not None and (bound / 2, rlct_ideal(sphere, X).value) == (sp.Rational(1, 2), sp.Rational(3, 4))
