"""Section 2, the two experiments: the lattice with a wall (§2.5, Fig 2) and the divided room (§2.6, Fig 3).

§2.5 says that the left/right ratio ρ(β) = Cov(s_p, M_left)/Cov(s_p, M_right) "peaks above 25" at intermediate β. In equilibrium
there is no peak. *Derived*: on lattices of the same make up to 6 × 8, from every probe of the left half, ρ falls at every β > 0
(the numerator of dρ/dβ is an integer polynomial in e^{2β} of one sign), from ρ ~ t^{−d}/c at β → 0 (d bonds on the shortest
path to the right half, c such paths, t = tanh β) to |left|/|right| at β → ∞. *Enclosed*: the falling curve on 12 × 12, and the
20 × 20 lattice itself. *Sampled*: clusters on 20 × 20, beside what 20,000 Metropolis samples say, which is noise where ρ is large.

Reading order: `ratios`, the claim of §2.5; the room, the claim of §2.6.
"""

import dataclasses
from itertools import pairwise

import numpy as np
import sympy as sp
from flint import arb

from ledger.claim import Budget, Claim, Evidence, Figure, Series
from ledger.claims.section2_lattices import FIGURE_2, FIGURE_3, SAMPLES, decides, exact_response, leads, sample
from ledger.compare import Z_CRITICAL, combine
from ledger.evidence import encloses, estimates, vanishes
from numerics.ising import Lattice, divided_room, roots, subgraphs, transfer, wall_with_gap, walls
from numerics.ising.response import trend
from numerics.precision import digits

DIGITS = 30

# ── §2.5, Fig 2 ───────────────────────────────────────────────────────────────────────────────────────────────────────

SMALL = ((4, 6), (6, 6), (6, 8))
LADDER = tuple(sp.Rational(k, 20) for k in (1, 2, 4, 6, 7, 8, 9, 10, 12, 16))
SAMPLED_BETAS = tuple(map(sp.Rational, ("7/25", "33/100", "19/50", "11/25")))
CROSSING = sp.Rational(33, 100)  # where the equilibrium ratio of the 20 × 20 lattice passes 25

FINDING_25 = (
    "In equilibrium the left/right ratio has no peak: it falls as β grows (proved for every β > 0 and every probe of the left "
    "half on lattices up to 6 × 8, seen at every β enclosed on 12 × 12 and 20 × 20), from t^{−d}/c → ∞ at β → 0 (t = tanh β, d "
    "bonds and c shortest paths from the probe to the right half) to |left|/|right| = 200/180 at β → ∞. On the 20 × 20 lattice "
    "(gap row 10, probe (10, 5)) it is 1687 at β = 1/5 and passes 25 at β = 0.33, where 20,000 independent samples know "
    "Cov(s_p, M_right) to a signal-to-noise ratio of 1.4; at smaller β they do not see it. A peak above 25 is where their noise "
    "takes over."
)


def left_half(lattice: Lattice) -> list[tuple[int, int]]:
    """The sites of the left half, one of each mirror pair about the row of the gap."""
    return sorted(site for site in lattice.regions["left"] if site[0] <= lattice.rows // 2)


def derive_25(_: Budget, expected: int = -1) -> Evidence:
    """The trend of ρ from every probe, proved by Descartes' rule; its two ends from the polynomials' first and last terms."""
    differences, probes = {}, 0
    for lines in SMALL:
        lattice = wall_with_gap(*lines)
        found = walls.ratios(lattice, left_half(lattice))
        probes += len(found)
        turning = [probe for probe, ratio in found.items() if trend(ratio) != expected]
        differences[f"{lines[0]} × {lines[1]}: probes from which ρ does not fall"] = sp.Integer(len(turning))
        probe = (lines[0] // 2, 0)
        d, c = walls.shortest(lattice, probe, "right")
        series = subgraphs.polynomials(lattice, {"p": probe}, degree=d)
        differences[f"{lines[0]} × {lines[1]}: ρ ~ t^−{d}/{c}"] = sp.Integer(
            series.sums["p", "right"].coeffs() != [0] * d + [c] or series.sums["p", "left"][0] != 1
        )
        top, bottom = (f.in_u() for f in (found[probe].numerator, found[probe].denominator))
        last = sp.Rational(int(top.leading_coefficient()), int(bottom.leading_coefficient()))
        differences[f"{lines[0]} × {lines[1]}: ρ → |left|/|right|"] = last - sp.Rational(walls.ground_ratio(lattice))
    return vanishes(
        "ρ(β)", differences, f"falls strictly at every β > 0 from all {probes} probes of {len(SMALL)} lattices"
    )


def ratio_of(row: tuple[arb, ...]) -> arb:
    return row[0] / row[1]


def enclose_25(budget: Budget, expected: int = -1) -> Evidence:
    """ρ by two roads on 6 × 8; the falling ladder on 12 × 12; and the 20 × 20 lattice where ρ passes 25."""
    small, parts = wall_with_gap(6, 8), []
    exact = walls.ratio(small, (3, 2))
    with digits(DIGITS):
        for b in LADDER[2:8:2]:
            swept = transfer.at(small, b, {"p": (3, 2)})
            found = swept.covariance("p", "left") / swept.covariance("p", "right")
            parts.append(encloses(f"ρ on 6 × 8, β = {b}", found, exact.at(b, n=DIGITS)))
    ladder = [ratio_of(exact_response(wall_with_gap(12, 12), b, {"p": (6, 3)})[0]) for b in LADDER]
    facts = {
        f"ρ({b}) {'>' if expected < 0 else '<'} ρ({c})": bool(two < one if expected < 0 else two > one)
        for (b, one), (c, two) in pairwise(zip(LADDER, ladder, strict=True))
    }
    values = {str(b): rho.str(8) for b, rho in zip(LADDER, ladder, strict=True)}
    parts.append(decides("12 × 12", facts, f"ρ falls from {ladder[0].str(5)} to {ladder[-1].str(5)}", ratios=values))
    lattice, probes = FIGURE_2
    rho = ratio_of(exact_response(lattice, CROSSING, probes)[0])
    facts = {"25 < ρ(0.33) < 25.5": bool(25 < rho < arb("25.5"))}
    if budget is Budget.FULL:
        far, near = (ratio_of(exact_response(lattice, b, probes)[0]) for b in (sp.Rational(1, 5), sp.Rational(11, 25)))
        facts |= {"ρ(0.2) > 1600": bool(far > 1600), "ρ(0.44) < 2": bool(near < 2)}
    parts.append(decides("20 × 20", facts, f"ρ(0.33) = {rho.str(8)}"))
    return combine(parts)


def sample_25(budget: Budget, expected: int = -1) -> Evidence:
    """Clusters on 20 × 20: ρ at four temperatures, each below the one before, and at β = 0.33 the enclosed value. Beside them
    sixteen experiments of 20,000 Metropolis samples at the smallest β: whether they tell Cov(s_p, M_right) from 0."""
    from sampler import ising

    lattice, probes = FIGURE_2
    runs = [
        sample(lattice, float(b), probes, draws=(3000 if b < CROSSING else 1500) * budget.effort, seed=30 + k)
        for k, b in enumerate(SAMPLED_BETAS)
    ]
    ratios = [run.ratio("probe", "left", "right") for run in runs]
    parts = [
        leads(f"ρ({one}) above ρ({two})", *((a, b) if expected < 0 else (b, a)))
        for (one, a), (two, b) in pairwise(zip(SAMPLED_BETAS, ratios, strict=True))
    ]
    exact = exact_response(lattice, CROSSING, probes)[0]
    at = SAMPLED_BETAS.index(CROSSING)
    for name, value in zip(lattice.regions, exact, strict=True):
        parts.append(estimates(f"Cov(s_p, M_{name}), β = 0.33", runs[at].covariance("probe", name), float(value.mid())))
    parts.append(estimates("ρ(0.33)", ratios[at], float(ratio_of(exact).mid())))
    variance = runs[at].region_covariance().mean[1, 1] - float(exact[1].mid()) ** 2
    signal = float(exact[1].mid()) / (variance / SAMPLES) ** 0.5
    plain = sample(
        lattice, float(SAMPLED_BETAS[0]), probes, kernel=ising.metropolis(), draws=SAMPLES, burn_in=500, seed=40
    )
    shown = experiments(plain)
    facts = {
        "at β = 0.33 the signal of 20,000 independent samples is below 2 s.e.": signal < 2,
        "at β = 0.28 no experiment in four tells Cov(s_p, M_right) from 0": shown["told_from_0"] <= 4,
    }
    words = (
        f"signal-to-noise {signal:.1f} at β = 0.33; at β = 0.28 ratios from {shown['least']:.3g} to {shown['most']:.3g}"
    )
    parts.append(decides("20,000 samples", facts, words, signal_to_noise=signal, experiments=shown))
    found = combine(parts)
    return dataclasses.replace(found, figures=(_figure_25(ratios),))


def experiments(run) -> dict:
    """Every chain as an experiment of its own: its ratio of sample covariances, and how many stand 3 s.e. from 0 on the right."""
    pair, probe, region = (np.asarray(run.traces[k], float) for k in ("pair", "probe", "region"))
    covariance = pair.mean(1) - probe.mean(1)[..., None] * region.mean(1)[:, None]
    left, right = covariance[:, 0, 0], covariance[:, 0, 1]
    noise = right.std(ddof=1)
    ratio = left / right
    return {
        "ratios": [float(r) for r in sorted(ratio)],
        "least": float(ratio.min()),
        "most": float(ratio.max()),
        "told_from_0": int((right > 3 * noise).sum()),
        "experiments": len(ratio),
    }


def _figure_25(ratios: list) -> Figure:
    xs = tuple(float(b) for b in SAMPLED_BETAS)
    small = tuple(float(b) for b in LADDER[2:])
    curve = tuple(float(ratio_of(exact_response(wall_with_gap(12, 12), b, {"p": (6, 3)})[0]).mid()) for b in LADDER[2:])
    points = Series(
        "20 × 20, clusters ± 1 s.e.", xs, tuple(float(r.mean) for r in ratios), tuple(float(r.sem) for r in ratios)
    )
    series = (Series("12 × 12, enclosed", small, curve, style="line"), points)
    return Figure(
        "The left/right ratio falls; it has no peak (§2.5)",
        "β",
        "Cov(s_p, M_left)/Cov(s_p, M_right)",
        series,
        ylog=True,
    )


# ── §2.6, Fig 3 ───────────────────────────────────────────────────────────────────────────────────────────────────────

NEAR = sp.Rational(11, 25)
ROOM_8 = divided_room(8)
PROBES_8 = {"A1": (2, 1), "A2": (5, 1), "B1": (2, 6), "B2": (1, 5), "C1": (6, 5), "C2": (6, 6)}
U_LIMIT = sp.Rational(12, 5)  # e^{2β} up to β = 0.4377…; β_c = 0.4407


def own(probe: str) -> str:
    return probe[0]


def others(probe: str) -> list[str]:
    return [name for name in "ABC" if name != own(probe)]


def derive_26(_: Budget, mediator: str = "A") -> Evidence:
    """On 8 × 8: without A the covariance of B and C is 0 identically; own region first at every β with e^{2β} < 12/5."""
    closed = dataclasses.replace(
        ROOM_8,
        mask=frozenset(ROOM_8.mask) | set(ROOM_8.regions[mediator]),
        regions={name: sites for name, sites in ROOM_8.regions.items() if name != mediator},
    )
    differences = {}
    for probe, far in (("B1", "C"), ("C1", "B")):
        if own(probe) in closed.regions and far in closed.regions:
            cut = transfer.moments(closed, {probe: PROBES_8[probe]}).covariance(probe, far)
        else:
            cut = transfer.moments(closed, {"A1": PROBES_8["A1"]}).covariance("A1", "C")
        differences[f"Cov(s_{probe}, M_{far}) without {mediator}"] = sp.Integer(not cut.numerator.is_zero())
    found = transfer.moments(ROOM_8, PROBES_8)
    for probe in PROBES_8:
        for other in others(probe):
            gap = found.sums[probe, own(probe)] - found.sums[probe, other]
            sign = roots.sign_between(gap.in_u(), 1, U_LIMIT)
            differences[f"R({probe}, {own(probe)}) > R({probe}, {other})"] = sp.Integer(sign - 1)
    return vanishes("room of 8 × 8", differences, "B and C meet through A alone; own region first at every β ≤ 0.4377")


def facts_26(entry) -> dict[str, bool]:
    """The statements of §2.6 about a matrix of exact entries, `entry(probe, region)`."""
    facts = {f"{p}: own region first": all(entry(p, own(p)) > entry(p, o) for o in others(p)) for p in FIGURE_3[1]}
    facts["A1 (upper): B far above C"] = bool(entry("A1", "B") > 2 * entry("A1", "C"))
    facts["A2 (lower): C far above B"] = bool(entry("A2", "C") > 2 * entry("A2", "B"))
    for p, far in (("B1", "C"), ("B2", "C"), ("C1", "B"), ("C2", "B")):
        facts[f"{p}: A more than thrice {far}"] = bool(entry(p, "A") > 3 * entry(p, far))
    return {fact: bool(true) for fact, true in facts.items()}


def enclose_26(_: Budget) -> Evidence:
    """The small room by two roads; every statement about the 20 × 20 room as an inequality between balls; and a probe of B that
    stands at the opening and belongs to A by its response."""
    found, parts = transfer.moments(ROOM_8, PROBES_8), []
    with digits(DIGITS):
        swept = transfer.at(ROOM_8, NEAR, PROBES_8)
        for probe in ("A1", "B1", "C2"):
            for region in "ABC":
                value = found.covariance(probe, region).at(NEAR, n=DIGITS)
                parts.append(encloses(f"R({probe}, {region}), 8 × 8", swept.covariance(probe, region), value))
    room, probes = FIGURE_3
    matrix = exact_response(room, NEAR, probes)
    rows, columns = list(probes), list(room.regions)
    facts = facts_26(lambda p, r: matrix[rows.index(p)][columns.index(r)])
    door = exact_response(room, NEAR, {"door": (5, 10)})[0]
    facts["a probe of B at its opening, (5, 10), couples more to A than to B"] = bool(door[0] > door[1])
    table = {
        "rows": rows,
        "columns": columns,
        "values": [[float(x.mid()) for x in row] for row in matrix],
        "quantity": "Cov",
    }
    words = "every statement holds for probes well inside their regions, at β = 0.44"
    return combine([*parts, decides("20 × 20", facts, words, response=table)])


def sample_26(budget: Budget, transpose: bool = False) -> Evidence:
    """Clusters: 18 entries against their balls, the orderings with their leads, every site's region recovered from its response.
    Beside them the same matrix from 20,000 Metropolis samples."""
    from sampler import ising
    from sampler.ising import maps

    room, probes = FIGURE_3
    run = sample(room, float(NEAR), probes, draws=1500 * budget.effort, burn_in=200, seed=50, sites=True)
    response = run.response()
    exact = np.array([[float(x.mid()) for x in row] for row in exact_response(room, NEAR, probes)])
    exact = np.roll(exact, 1, axis=1) if transpose else exact
    rows, columns = list(probes), list(room.regions)
    parts = []
    for i, j in np.ndindex(*exact.shape):
        parts.append(
            estimates(f"R({rows[i]}, {columns[j]})", response.map(lambda m, i=i, j=j: m[i, j]), float(exact[i, j]))
        )
    for p in rows:
        mine = run.covariance(p, own(p))
        parts += [leads(f"{p}: {own(p)} before {o}", mine, run.covariance(p, o)) for o in others(p)]
    recovered = recovery(run)
    values, _, patterns = maps.probe_modes(run)
    facts = {"nine sites in ten are assigned to their own region by their response": recovered["share"] > 0.9}
    plain = sample(room, float(NEAR), probes, kernel=ising.metropolis(), chains=1, draws=SAMPLES, burn_in=2000, seed=51)
    data = {
        "recovered": recovered,
        "singular_values": values.to_dict(),
        "patterns": patterns.tolist(),
        "clusters": {"rows": rows, "columns": columns, "values": response.mean, "sem": response.sem, "quantity": "Cov"},
        "metropolis": {
            "rows": rows, "columns": columns, "values": plain.response().mean, "sem": plain.response().sem, "quantity": "Cov",
        },
    }  # fmt: skip
    words = (
        f"{recovered['right']} of {recovered['sites']} sites find their region; σ = {np.round(values.mean, 1).tolist()}"
    )
    return combine([*parts, decides("regions recovered", facts, words, **data)])


def recovery(run) -> dict:
    """How many sites have their largest response in their own region, and how many of the others are told apart from it."""
    from sampler.ising import maps

    found = maps.assignment(run)
    truth = np.full(found.region.shape, -1)
    for k, mask in enumerate(run.model.regions):
        truth[mask > 0] = k
    inside = truth >= 0
    right = inside & (found.region == truth)
    wrong = inside & (found.region != truth)
    return {
        "sites": int(inside.sum()),
        "right": int(right.sum()),
        "share": float(right.sum() / inside.sum()),
        "wrong_and_resolved": [tuple(map(int, site)) for site in np.argwhere(wrong & found.resolved(Z_CRITICAL))],
    }


CLAIMS = (
    Claim(
        "§2.5", ("§2.5", "Fig 2"), "2",
        "On a periodic lattice with a wall and a gap, Cov(s_p, M_left)/Cov(s_p, M_right) peaks above 25 at intermediate β and "
        "falls toward 1 near β_c",
        derive_25, enclose_25, sample_25, FINDING_25,
    ),
    Claim(
        "§2.6", ("§2.6", "Fig 3"), "2",
        "Near β_c every probe well inside a region couples most to its own region; an upper probe of A far more to B than to C, a "
        "lower one the other way; B and C couple to each other through A alone, and little",
        derive_26, enclose_26, sample_26,
    ),
)  # fmt: skip
