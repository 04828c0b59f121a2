"""Run claims through the layers and keep everything that was found.

`run` takes the claims one by one and each claim layer by layer, with the wall time of each; several processes may share them.
Nothing that was computed is lost: an exception inside a layer becomes evidence owed ("failed: …"), an interruption returns what
there is, and with `keep` the report is saved after every claim.

Reading order: `Step` (what the progress callback is told), `run`, `_alone`, `_shared`, `_Record`. What was found is in `results`.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ledger import compilation, output, processes
from ledger.claim import Budget, Claim, Evidence, Layer, Status
from ledger.machine import accelerated, enable_double_precision, environment
from ledger.results import ClaimResult, LayerResult, Report, Section
from theory.errors import BadInput

MOST_PROCESSES = 8  # each takes a gigabyte or two of memory, and compiles for itself


@dataclass(frozen=True)
class Step:
    """One event of a run: `evidence` is None when a layer begins; `layer` is None for a part of the applied section."""

    name: str
    layer: Layer | None
    done: int
    total: int
    evidence: Evidence | None = None


Progress = Callable[[Step], None]


def run(
    claims: Sequence[Claim],
    layers: Sequence[Layer],
    budget: Budget,
    progress: Progress | None = None,
    keep: Path | None = None,
    *,
    applied: Callable[..., Any] | None = None,
    jobs: int = 1,
) -> Report:
    """Test the claims in the layers asked for, in the order of `Layer`, and run the applied section if there is one.

    applied: called as `applied(budget, progress)`, where `progress` takes a message; what it returns needs `data`,
    `figures` and `summary`. keep: where the JSON report is saved after every claim, marked interrupted until the end. jobs: how
    many processes share the work (`ledger.processes`): the claims must then be the ledger's own, and `applied` a function of a
    module. With an accelerator, which processes do not share, everything that samples stays in this one.
    """
    layers = [layer for layer in Layer if layer in layers]
    record = _Record(claims, budget, keep)
    tell = progress or (lambda step: None)
    sampling = Layer.SAMPLED in layers or applied is not None
    try:
        if sampling:
            enable_double_precision()
        if jobs > 1 and not (sampling and accelerated()):
            _shared(record, layers, tell, applied, jobs)
        else:
            _alone(record, layers, tell, applied)
    except KeyboardInterrupt:
        return record.save(interrupted=True)
    return record.save(interrupted=False)


def _alone(record: "_Record", layers: Sequence[Layer], tell: Progress, applied: Callable[..., Any] | None) -> None:
    """Claim by claim, layer by layer, in this process."""
    claims, total = record.claims, len(record.claims) + (applied is not None)
    for done, claim in enumerate(claims):
        for layer in layers:
            tell(Step(claim.id, layer, done, total))
            result = _timed(claim.test(layer), record.budget)
            record.add(done, layer, result)
            tell(Step(claim.id, layer, done, total, result.evidence))
        record.save(interrupted=True)
    if applied is not None:
        record.section = _applied_section(
            applied, record.budget, lambda note: tell(Step(note, None, len(claims), total))
        )


def _shared(
    record: "_Record", layers: Sequence[Layer], tell: Progress, applied: Callable[..., Any] | None, jobs: int
) -> None:
    """All layers of a claim in one process; the applied section, which takes longest, is begun at once."""
    claims, budget = record.claims, record.budget
    tasks: list[Callable[[], Any]] = [partial(_there, claim.id, layers, budget) for claim in claims]
    tasks += [] if applied is None else [partial(_applied_there, applied, budget)]
    tell(Step("starting", None, 0, len(tasks)))
    for done, (number, found) in enumerate(processes.share(tasks, min(jobs, MOST_PROCESSES))):
        if number == len(claims):
            record.section = _no_section(found, 0.0) if isinstance(found, Exception) else found
            continue
        for layer in layers:
            result = LayerResult(_failed(found), 0.0) if isinstance(found, Exception) else found[layer]
            record.add(number, layer, result)
            tell(Step(claims[number].id, layer, done, len(tasks), result.evidence))
        record.save(interrupted=True)


def _there(claim: str, layers: Sequence[Layer], budget: Budget) -> dict[Layer, LayerResult]:
    """The layers of one of the ledger's claims, by its id: tests are closures and do not travel."""
    from ledger.claims import all_claims

    if Layer.SAMPLED in layers:
        compilation.quickly()
        enable_double_precision()
    chosen = next(each for each in all_claims() if each.id == claim)
    return {layer: _timed(chosen.test(layer), budget) for layer in layers}


def _applied_there(applied: Callable[..., Any], budget: Budget) -> Section:
    compilation.quickly()
    enable_double_precision()
    return _applied_section(applied, budget, lambda note: None)


class _Record:
    """What a run has found so far."""

    def __init__(self, claims: Sequence[Claim], budget: Budget, keep: Path | None):
        self.claims = claims
        self.results = [ClaimResult(claim) for claim in claims]
        self.section: Section | None = None
        self.budget, self.keep = budget, keep
        self.start = time.perf_counter()

    def add(self, number: int, layer: Layer, result: LayerResult) -> None:
        claim, layers = self.results[number].claim, self.results[number].layers
        self.results[number] = ClaimResult(claim, {**layers, layer: result})

    def save(self, *, interrupted: bool) -> Report:
        seconds = time.perf_counter() - self.start
        report = Report(tuple(self.results), environment(self.budget), seconds, self.section, interrupted)
        if self.keep is not None:
            with suppress(BadInput):  # a full disk must not cost the results
                output.write(self.keep, output.dumps(report.to_json()))
        return report


def _timed(test: Callable[[Budget], Evidence], budget: Budget) -> LayerResult:
    start = time.perf_counter()
    try:
        evidence = test(budget)
    except Exception as problem:
        evidence = _failed(problem)
    return LayerResult(evidence, time.perf_counter() - start)


def _failed(problem: Exception) -> Evidence:
    return Evidence(Status.OPEN, f"failed: {_one_line(problem)}", {"error": type(problem).__name__})


def _applied_section(applied: Callable[..., Any], budget: Budget, tell: Callable[[str], None]) -> Section:
    start = time.perf_counter()
    try:
        found = applied(budget, tell)
        return Section(found.data, tuple(found.figures), tuple(found.summary), time.perf_counter() - start)
    except Exception as problem:
        return _no_section(problem, time.perf_counter() - start)


def _no_section(problem: Exception, seconds: float) -> Section:
    return Section({"error": type(problem).__name__}, (), (f"failed: {_one_line(problem)}",), seconds)


def _one_line(problem: Exception) -> str:
    """The exception in one line; `BadInput` speaks for itself, others are named."""
    message = " ".join(str(problem).split())[:300]
    return message if isinstance(problem, BadInput) else f"{type(problem).__name__}: {message}".removesuffix(": ")
