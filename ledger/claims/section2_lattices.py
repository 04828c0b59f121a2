"""What the claims of section 2 and the command `threefold ising` share: lattices, exact values, runs, comparisons of an ordering.

    FIGURE_2, FIGURE_3     the lattices and probes of the primer's figures; what it does not say is stated here
    exact_response         Cov(s_p, M_R) with a proved error
    sample                 a run of `sampler.ising` with fixed settings
    decides                evidence from facts that are true or false
    leads                  evidence that one sampled number exceeds another

The gap row and the probe of Fig 2 are lost in the primer's text, and so are the probes of Fig 3: they stand here in the middle of
the left half at the height of the gap, and well inside the regions.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import sympy as sp
from flint import arb

from ledger.claim import Evidence, Status
from ledger.compare import Z_CRITICAL
from numerics.ising import Lattice, divided_room, subgraphs, wall_with_gap
from numerics.ising.moments import Probes
from numerics.precision import digits

if TYPE_CHECKING:
    from sampler.diagnostics import Estimate
    from sampler.ising import Kernel, Run

FIGURE_2: tuple[Lattice, dict] = (wall_with_gap(), {"probe": (10, 5)})
FIGURE_3: tuple[Lattice, dict] = (
    divided_room(),
    {"A1": (5, 5), "A2": (15, 5), "B1": (4, 14), "B2": (6, 16), "C1": (14, 14), "C2": (15, 16)},
)
SAMPLES = 20000  # of the primer's figures
WORK = 20  # digits


@cache
def _exact(lattice: Lattice, beta: sp.Rational, probes: tuple) -> tuple[tuple[arb, ...], ...]:
    with digits(WORK):
        found = subgraphs.at(lattice, beta, dict(probes)).response()
    return tuple(tuple(row.values()) for row in found.values())


def exact_response(lattice: Lattice, beta: sp.Rational, probes: Probes) -> tuple[tuple[arb, ...], ...]:
    """Cov(s_p, M_R) as balls, rows probes and columns regions: ten seconds for the lattice of Fig 2, two for that of Fig 3."""
    return _exact(lattice, sp.Rational(beta), tuple(probes.items()))


def sample(
    lattice: Lattice,
    beta: float,
    probes: Probes | None = None,
    *,
    kernel: "Kernel | None" = None,
    chains: int = 16,
    draws: int = 2000,
    burn_in: int = 200,
    seed: int = 0,
    **options: Any,
) -> "Run":
    """A run of `sampler.ising`; options go to `ising.model` (h, perturbations) and `ising.run` (start, sites, thin)."""
    import jax

    from sampler import ising

    of_run = {name: options.pop(name) for name in ("start", "sites", "thin") if name in options}
    model = ising.model(lattice, probes, **options)
    settings = {"kernel": kernel, "chains": chains, "draws": draws, "burn_in": burn_in, **of_run}
    return ising.run(jax.random.key(seed), model, float(beta), **settings)


def decides(name: str, facts: Mapping[str, bool], words: str, **data: Any) -> Evidence:
    """Holds, in these words, if every fact is true; each stands in the data."""
    wrong = [fact for fact, true in facts.items() if not true]
    data = {"facts": {fact: bool(true) for fact, true in facts.items()}, **data}
    if wrong:
        return Evidence(Status.REFUTED, f"{name}: not so: {'; '.join(wrong)}", data)
    return Evidence(Status.HOLDS, f"{name}: {words}", data)


def leads(name: str, larger: "Estimate", smaller: "Estimate", **data: Any) -> Evidence:
    """One sampled number exceeds another, both from independent runs (or with errors added in quadrature, positive correlation
    being to their disadvantage): refuted if it falls short of it by more than chance, owed if the two are not told apart."""
    gap, error = float(larger.mean - smaller.mean), float((larger.sem**2 + smaller.sem**2) ** 0.5)
    lead = gap / error
    data = {"lead": lead, "larger": float(larger.mean), "smaller": float(smaller.mean), **data}
    status = Status.HOLDS if lead > Z_CRITICAL else Status.REFUTED if lead < -Z_CRITICAL else Status.OPEN
    return Evidence(
        status, f"{name}: {float(larger.mean):.4g} against {float(smaller.mean):.4g}, {lead:.0f} s.e.", data
    )
