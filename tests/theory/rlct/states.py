"""Strata for the tests of the search, and the checker, which carries out steps and branchings again with no code in common."""

import json
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from theory.certificate import branchings as checked_branchings
from theory.certificate import state as checked
from theory.certificate import steps as checked_steps
from theory.certificate.polynomials import make_ring
from theory.rlct import certify
from theory.rlct.polynomials import Ring, primitive
from theory.rlct.stratum import ABSENT, FREE, SMALL, UNIT, Stratum

RING = Ring(("x", "y", "z", "r"))
CHECKED = make_ring(RING.names)
X, Y, Z, R = range(4)
x, y, z, r = (RING.gen(i) for i in range(4))
one = RING.one()


def stratum(kinds: str, *generators: Any, **more: Any) -> Stratum:
    """Kinds as letters s, u, f, a; jacobian, factor and sign by place."""
    full = {"s": SMALL, "u": UNIT, "f": FREE, "a": ABSENT}
    given = [more.pop(key, {}) for key in ("jacobian", "sign", "factor")]
    jacobian, sign, factor = ([table.get(i, 0) for i in range(4)] for table in given)
    more["shadowed"] = frozenset(more.get("shadowed", ()))
    return Stratum(RING, [full[k] for k in kinds], jacobian, sign, factor, dict(enumerate(generators)), **more)


def shown(s: Stratum) -> checked.State:
    return checked.read(CHECKED, json.loads(json.dumps(certify.state(s))))


def confirmed(before: Stratum, found: Any, after: Stratum) -> None:
    """The checker comes from one state to the other by the same steps."""
    s = shown(before)
    for step in found if isinstance(found, list) else [found]:
        s = checked_steps.carry_out(s, json.loads(json.dumps(certify.plain(step))))
    checked.require_same(s, shown(after), "result", numbered=True)


def confirmed_children(before: Stratum, branch: dict, children: list) -> list[Stratum]:
    listed = [{"node": k, **certify.plain(child.label)} for k, child in enumerate(children)]
    branch = json.loads(json.dumps(certify.plain(branch)))
    for (_, found), child in zip(checked_branchings.children(shown(before), branch, listed), children, strict=True):
        checked.require_same(checked.used(found), checked.used(shown(child.stratum)), "child", numbered=False)
    return [child.stratum for child in children]


def split_of(before: Stratum, q: Any, way: Any) -> Any:
    """The states on both sides, as the checker finds them too; None where there is no split."""
    found = way(before, q)
    return found and confirmed_children(before, {"branch": "split", "on": q, "steps": found[1]}, found[0])


@st.composite
def strata(draw, kinds="suf", absent=True):
    """x, y, z of any kind with exponents, signs, lists; r absent."""
    letters = draw(st.tuples(*[st.sampled_from(kinds)] * 3))

    def polynomial(most):
        exponents = st.tuples(*[st.integers(0, 2)] * 3)
        found = draw(st.dictionaries(exponents, st.sampled_from([1, -1, 2, -3]), min_size=1, max_size=most))
        return RING.make({(*v, 0): c for v, c in found.items()}).primitive()[1]

    small = [i for i in range(3) if letters[i] != "u"]
    more = {
        "jacobian": {i: draw(st.sampled_from([0, 0, 1, Fraction(-1, 2)])) for i in small},
        "factor": {i: draw(st.sampled_from([0, 0, 2])) for i in small},
        "sign": {i: draw(st.sampled_from([0, 0, 1])) for i in range(3)},
        "nonzero": [primitive(polynomial(2)) for _ in range(draw(st.integers(0, 1)))],
        "positive": [polynomial(2) for _ in range(draw(st.integers(0, 1)))],
        "shadowed": [i for i in range(3) if letters[i] != "s" and draw(st.booleans())],
    }
    generators = [primitive(polynomial(3)) for _ in range(draw(st.integers(1, 3)))]
    found = stratum("".join(letters) + "a", *generators, **more)
    empty = found.copy()
    empty.tidy_lists()
    if empty.empty:  # of that nothing is asked
        found.nonzero, found.positive = [], []
    return found
