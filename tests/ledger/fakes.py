"""Small claims whose layers say what a test tells them to."""

from collections.abc import Callable

from ledger.claim import Budget, Claim, Evidence, Figure, Series, Status

FIGURE = Figure(
    "Cov <b> & cost $5",
    "t",
    "t Cov",
    (
        Series("ladder", (10.0, 100.0, float("nan")), (1.2, 1.1, 1.0), (0.1, 0.05, 0.01)),
        Series("exact", (0.0, 100.0), (1.0, 1.0), style="line"),
        Series("band", (10.0, 100.0), (1.0, 1.0), (0.2, 0.1), style="band"),
    ),
    xlog=True,
)


def says(status: str, summary: str = "as told", **data: object) -> Callable[[Budget], Evidence]:
    return lambda budget: Evidence(Status(status), summary, data, (FIGURE,))


def raises(problem: BaseException) -> Callable[[Budget], Evidence]:
    def test(budget: Budget) -> Evidence:
        raise problem

    return test


def claim(
    id: str = "eq 3",
    *,
    derived: Callable[[Budget], Evidence] | None = None,
    enclosed: Callable[[Budget], Evidence] | None = None,
    sampled: Callable[[Budget], Evidence] | None = None,
    labels: tuple[str, ...] = (),
    statement: str = "Cov(φ, ψ) < 1 & <script>alert(1)</script>",
    finding: str | None = None,
) -> Claim:
    return Claim(
        id,
        (id, *labels),
        "Section 4",
        statement,
        derived or says("holds"),
        enclosed or says("holds", digits=38.2),
        sampled or says("holds", z=-0.43, power_at=0.021),
        finding,
    )
