"""Comparisons with what they would have seen, and the table of them.

Reading order: `Row`, `row`, `Report`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ledger.compare import Z_CRITICAL, Z_POWER
from theory.errors import BadInput

LEAST, SEEN = Z_CRITICAL, Z_CRITICAL + Z_POWER


class Row(NamedTuple):
    """One comparison: expected, found ± sem, z, and the error that it would have seen, relative to what is expected (infinite
    where that is 0: then it would have seen `seen`)."""

    quantity: str
    expected: float
    found: float
    sem: float
    z: float
    detects: float

    @property
    def holds(self) -> bool:
        return abs(self.z) < LEAST

    @property
    def seen(self) -> str:
        """The error that it would have seen, in % of what is expected or by itself."""
        return f"{100 * self.detects:.2g}%" if np.isfinite(self.detects) else f"{SEEN * self.sem:.2g}"


@dataclass(frozen=True)
class Report:
    """All comparisons of one subject; `ok` if none is further off than chance allows (10⁻⁶ each)."""

    subject: str
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        return all(row.holds for row in self.rows)

    def require(self) -> None:
        """Raise `AssertionError` with the table unless everything holds."""
        if not self.ok:
            raise AssertionError(f"\n{self}")

    def __str__(self) -> str:
        lines = [f"{self.subject}: " + ("as it should be" if self.ok else "not as it should be")]
        for row in self.rows:
            lines.append(
                f"  {'✓' if row.holds else '✗'} {row.quantity:<28} {row.found:.5g} ± {row.sem:.2g}, expected {row.expected:.5g}, "
                f"z = {row.z:.1f}, detects {row.seen}"
            )
        return "\n".join(lines)


def row(name: str, expected: float, found: float, sem: float) -> Row:
    if not sem > 0:
        raise BadInput(f"{name} does not vary over the runs; return draws, or estimates, that depend on the noise")
    return Row(name, expected, found, sem, (found - expected) / sem, SEEN * sem / abs(expected) if expected else np.inf)
