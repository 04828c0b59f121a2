"""What an experiment is, and what it returns.

    Experiment  a row of `experiment --list`: name, question, what it needs; `conduct` runs it
    Package     a package that is not always there, and how to install it
    Statement   one sentence of the answer, and whether it is the answer that was hoped for
    Picture     a matplotlib figure and what to see in it
    Table       rows of text; numbers in them carry their errors
    Result      the labelled data, the statements, the pictures and the tables

Nothing in an answer stands without its error: write "14.41 ± 0.02", and draw error bars. A statement whose status is FAILS is a
negative result; it is shown in the same place and size as the others.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from ledger.claim import Budget
from theory.errors import BadInput

GIB = 2**30


class Package(NamedTuple):
    """A package that must be there: what is imported, and how to get it."""

    module: str
    install: str


class Found(StrEnum):
    """What became of a statement."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"
    SHOWN = "shown"  # a number without a verdict


class Statement(NamedTuple):
    text: str
    found: Found = Found.SHOWN


class Picture(NamedTuple):
    figure: Any  # matplotlib.figure.Figure
    caption: str


class Table(NamedTuple):
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Result:
    """data: an xarray Dataset, or a mapping of names to Datasets (groups of the file). numbers: what summary.json repeats."""

    data: Any
    statements: tuple[Statement, ...]
    pictures: Mapping[str, Picture]
    tables: tuple[Table, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """One experiment; `memory` is what it needs in GiB on each budget, `minutes` what it takes on two cores."""

    name: str
    question: str
    minutes: Mapping[Budget, float]
    memory: Mapping[Budget, float]
    needs: tuple[Package, ...] = ()
    only: tuple[Budget, ...] = tuple(Budget)

    @property
    def conduct(self) -> Callable[..., Result]:
        return import_module(f"ledger.experiments.{self.name.replace('-', '_')}").conduct

    def refuse(self, budget: Budget) -> None:
        """Raise `BadInput` now for what would fail later: a budget it has not, a missing package, too little memory."""
        if budget not in self.only:
            offered = " or ".join(f"--budget {each}" for each in self.only)
            raise BadInput(f"experiment {self.name} has no {budget} budget; use {offered}")
        for package in self.needs:
            if find_spec(package.module) is None:
                raise BadInput(
                    f"experiment {self.name} needs {package.module}, which is not installed; install it with `{package.install}`"
                )
        there, needed = available(), self.memory[budget]
        if there is not None and there < needed * GIB:
            raise BadInput(
                f"experiment {self.name} needs {needed:g} GiB of memory on the {budget} budget and {there / GIB:.1f} GiB are free; "
                "close other programs or choose a smaller budget"
            )


def available() -> int | None:
    """Bytes of memory that are free, None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
