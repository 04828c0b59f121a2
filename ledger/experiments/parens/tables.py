"""The tables of the parentheses experiment: conditions, tries of chains, solutions.

Function: `tables`.
"""

from ledger.experiments.experiment import Table
from ledger.experiments.parens import rules
from ledger.experiments.parens.findings import LENGTHS, Findings, stayed, told
from sampler.data import parentheses


def tables(found: Findings) -> tuple[Table, ...]:
    """The three of them."""
    return _conditions(found), _tries(found), _solutions(found)


def _conditions(found: Findings) -> Table:
    rows = [
        (
            name,
            f"{rules.ratio(rho, found.strings.kinds):.2f}",
            " ".join(f"{x:.2f}" for x in found.share(name)),
            *(told(found.mean(name, length)) for length in LENGTHS),
            told(found.versus(name, "control")),
            f"{found.runs[name]['train'].min():.4f}",
        )
        for name, rho in found.made.items()
    ]
    columns = (
        "condition", "dipping / short", "share by seed, n = 16", *(f"mean, n = {n} (95%)" for n in LENGTHS),
        "less control, n = 16, paired (95%)", "least training accuracy",
    )  # fmt: skip
    return Table(
        "Share of equal-count strings that are not nested, but called so: 1 equal count, 0 nested", columns, tuple(rows)
    )


def _tries(found: Findings) -> Table:
    rows = [
        (
            each[0],
            f"{each[1]:g}",
            f"{run['epsilon']:.2g}" + ("" if each[2] else " (suggested)"),
            f"{run['largest']:.4g} ± {run['residual']:.1g}" if "largest" in run else "–",
            "yes" if stayed(run) else "NO",
            ", ".join(f"{x:.2g}" for x in run["last"]),
            f"{run['llc']:.3g} ± {run['sem']:.2g}",
            f"{run['accepted']:.2f}",
            f"{run['virial']:.1f}",
            str(run["words"]),
        )
        for each, run in found.tries.items()
    ]
    columns = (
        "kernel",
        "γ",
        "ε",
        "λ_max of U ≥",
        "stayed",
        "ΔL at the end, by chain",
        "λ̂",
        "accepted",
        "virial z",
        "diagnosis",
    )
    return Table("Every way that was tried to sample near solution 0; two chains each", columns, tuple(rows))


def _solutions(found: Findings) -> Table:
    rows = [
        (
            str(i),
            f"{found.source['yes 16'][i, parentheses.EQUAL]:.2f}",
            f"{found.source['margin'][i]:.2f}",
            f"{run['llc']:.3g} ± {run['sem']:.1g}",
            "yes" if stayed(run) else "NO",
            f"{run['virial']:.1f}",
            str(run["words"]),
        )
        for i, run in enumerate(found.answers)
    ]
    return Table(
        "The solutions that χ̂ is taken from",
        ("solution", "share", "φ", "λ̂", "stayed", "virial z", "diagnosis"),
        tuple(rows),
    )


__all__ = ["tables"]
