"""The time limit is kept where algebra may grow without bound, and what comes back is a bracket with a certificate."""

import time
from fractions import Fraction

import pytest
import sympy as sp
from flint import fmpz_mpoly_ctx

from tests.theory.rlct import states
from tests.theory.rlct.states import RING, SMALL, R, X, Y, stratum
from theory.certificate import report
from theory.rlct import bounds, gram, implicit, linear, polynomials, reduce, rlct_ideal, steps, tidy, units
from theory.rlct.effort import MAX_TERMS, OutOfTime, TooLarge, attempt, late, sized, spend, until
from theory.rlct.polynomials import Ring, modulo, substitute

x, y, z, w, v = sp.symbols("x y z w v", real=True)
LIMIT = 1
# Squares of cones and of cubics plus a higher power: along the zeros of the square one dependent quantity needs another, and the
# relations refer to each other.
HARD = {
    "cone": ([(3 * x**2 - 2 * y**2 - 2 * y * z - z**2) ** 2 - z**7], (x, y, z)),
    "cone without yz": ([(x**2 + 2 * x * y - y**2 - 2 * z**2) ** 2 + z**5], (x, y, z)),
    "cone with xz": ([(3 * x * z - y**2 - 3 * y * z - 3 * z**2) ** 2 - x**5], (x, y, z)),
    "cubic": ([(2 * x**3 - 3 * y**3 + y * z**2 + z**3) ** 2 - x**5], (x, y, z)),
    "quadric": ([(2 * w**2 + 2 * w * x - 2 * w * z - 2 * z**2) ** 2 - x**7], (x, y, z, w)),
    "two": ([(x**2 + x * z + y**2 - y * z - 3 * z**2) ** 2 + z**5, (x * y - z**2) ** 2 - y**5], (x, y, z)),
    "chain": ([(x**2 - 2 * y**3) ** 2 - x**3 * y**2 - x**4 * y**3], (x, y)),
    "five": ([(x * y + z * w - v**2 + x * v) ** 2 - w**7, (x**2 - y * w) ** 2 + z**5], (x, y, z, w, v)),
}


def pair(bound, scale=1):
    """(value, −multiplicity): of two of them the lesser one says less."""
    return (sp.oo, 0) if bound["value"] == "infinite" else (sp.Rational(bound["value"]) * scale, -bound["multiplicity"])


def needed(data):
    """Below the root as far as a node's own bound is below that of the root; the way to the upper bound, with what branches off."""
    nodes, least = {n["number"]: n for n in data["nodes"]}, pair(data["lower"], data["power"])
    found, todo = set(), [data["root"]]
    while todo:
        found.add(k := todo.pop())
        if pair(nodes[k]["lower"]) < least:
            todo += [child["node"] for child in nodes[k]["children"] if child["node"] not in found]
    way = [k for k, _ in data["upper_proof"]["path"]]
    return found | {*way, data["upper_proof"]["node"], *(child["node"] for k in way for child in nodes[k]["children"])}


@pytest.mark.parametrize("name", HARD)
def test_the_limit_is_kept_and_the_bracket_is_certified(name):
    """The certificate holds the nodes that the two bounds need, and no others."""
    generators, variables = HARD[name]
    start = time.process_time()
    answer = rlct_ideal([sp.expand(g) for g in generators], variables, time_limit=LIMIT)
    assert time.process_time() - start < 2 * LIMIT
    assert answer.lower <= answer.upper < sp.oo
    found = report(answer.certificate, generators, variables)
    assert found.accepted, found
    assert {node["number"] for node in answer.certificate["nodes"]} == needed(answer.certificate)


@pytest.mark.parametrize("limit", [0, sp.Rational(1, 100)])
def test_no_time_at_all(limit):
    """The bracket of the Newton polyhedron at least: 5/12 above for the cusp, 3/4 for the parabola of a fourth power."""
    for generators, upper in (([x**2 - y**3], "5/12"), ([y - x**2, x**4], "3/4")):
        answer = rlct_ideal(generators, (x, y), time_limit=limit)
        assert 0 <= answer.lower <= answer.upper <= sp.Rational(upper)
        assert report(answer.certificate, generators, (x, y)).accepted


def test_scopes():
    assert not late()
    with until(time.monotonic_ns() - 1):
        assert late()
        with pytest.raises(OutOfTime):
            spend()
        with until(None):
            spend()
        assert late()
    spend()


def work():
    """Pieces of algebra whose number no limit bounds beforehand: quotients, samples, terms, pivots, pairs of generators."""
    a, b, c, r = states.x, states.y, states.z, states.r
    f, pair = b**2 + c, stratum("sssa", c * a - b**2 + a * b, c + a**2 + b**2)
    K = {(4, 0): Fraction(1), (2, 2): Fraction(1), (0, 4): Fraction(1)}
    places = [((4, 0), [(0, 0)]), ((2, 2), [(1, 1), (0, 2)]), ((0, 4), [(2, 2)])]  # of x², xy, y²
    return {
        "quotients by a factor": lambda: implicit.powers_of(stratum("sufa", a * f), Y, f),
        "samples beside a root": lambda: implicit.root_witness(stratum("suaa", a), Y, b - 1),
        "samples": lambda: bounds.witness(stratum("suaa", a, positive=[b - 1]), (SMALL,)),
        "proofs of units": lambda: units.nonvanishing(stratum("suaa", a), RING.one()),
        "resultants": lambda: units.norm(stratum("suau", a, roots={R: r**2 - 2}), b - r),
        "terms": lambda: steps.prune(stratum("ssaa", a**2, a**3 + b), 1, {0: (2, 0, 0, 0)}, closure=False),
        "vectors": lambda: linear.minimal([(1, 0)]),
        "pivots": lambda: linear.solve([(1, 0), (0, 1)], [1, 1]),
        "powers of a new coordinate": lambda: polynomials.substitute(RING, a**2, X, RING.one(), b),
        "steps of a division": lambda: polynomials.modulo(RING, a**3, X, a**2 - b),
        "factors": lambda: polynomials.factors(a * b),
        "passes": lambda: tidy.clean(stratum("ssaa", a)),
        "rounds": lambda: reduce.simplify(stratum("ssaa", a**2 - b**3)),
        "pairs that cancel": lambda: reduce.subtract(pair),
        "pairs that eliminate": lambda: reduce.eliminate(pair),
        "candidates of a square": lambda: gram.monomials(K),
        "matrices near a centre": lambda: gram.centre(K, 3, places),
    }


@pytest.mark.parametrize("piece", work())
def test_pieces_of_work_ask_for_the_time(piece):
    """Each ends with a result, and goes no further when the end has passed."""
    work()[piece]()
    with until(time.monotonic_ns() - 1), pytest.raises(OutOfTime):
        work()[piece]()


def test_sizes():
    ring = Ring(("x", "y", "z"))
    big = ring.make({(0, k, k * k % 97): 1 for k in range(MAX_TERMS + 1)})
    assert sized(ring.gen(0)) == ring.gen(0) and isinstance(ring.context, fmpz_mpoly_ctx)
    for wrong in (big, ring.context.constant(2**5000), ring.monomial((10**6, 0, 0))):
        with pytest.raises(TooLarge):
            sized(wrong)
    assert attempt(sized, big) is None and attempt(sized, ring.one()) == 1


def test_what_grows_is_given_up():
    """x ← (x − b)/a to the 60th power with 30 terms in b; and a division that never ends well: y² = x·(1 + … ) of high degree."""
    ring = Ring(("x", "y", "z"))
    b = ring.make({(0, i, j): 1 for i in range(5) for j in range(6)})
    with pytest.raises(TooLarge):
        substitute(ring, ring.monomial((60, 0, 0)), 0, ring.one(), b)
    relation = ring.gen(0) ** 2 - b
    with pytest.raises(TooLarge):
        modulo(ring, ring.monomial((200, 0, 0)), 0, relation)
    assert modulo(ring, ring.monomial((4, 0, 0)), 0, ring.gen(0) ** 2 - ring.gen(1)) == ring.gen(1) ** 2
    signed = modulo(ring, -6 * ring.monomial((3, 0, 0)), 0, 3 * ring.gen(0) ** 2 - ring.gen(1), keep_sign=True)
    assert signed == -ring.gen(0) * ring.gen(1)  # −6x³ = −2xy, up to a positive factor
