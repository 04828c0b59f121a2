"""How the tests are shared between processes (`pytest -n 2`): each has a stretch of neighbours, and steals when it is done.

Neighbouring tests share modules' fixtures and what the ledger remembers (compiled chains, integrals, runs); dealt out one by one,
most of that would be made in every process. What jax compiles is kept in `.compiled`, by what it computes: other processes of the
run, those that tests start among them, and the next run compile nothing again. How long an example of hypothesis takes is never a
failure: it depends on the machine and on who else is at work there. Mutants (`tests.mutation`) all meet the same examples.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

COMPILED = {
    "JAX_COMPILATION_CACHE_DIR": str(Path(__file__).parents[1] / ".compiled"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
for name, value in COMPILED.items():
    os.environ.setdefault(name, value)  # read when jax is imported first
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes share the cores; more threads wait in busy loops

settings.register_profile("tests", deadline=None)
settings.register_profile(
    "mutants", deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)


def pytest_configure() -> None:
    settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "tests")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Work stealing, unless another distribution was asked for."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None
