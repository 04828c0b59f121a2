"""How the tests are shared between processes (`pytest -n 2`): each has a stretch of neighbours, and steals when it is done.

Neighbouring tests share modules' fixtures and what the ledger remembers (compiled chains, integrals, runs); dealt out one by one,
most of that would be made in every process. What jax compiles is kept in `.compiled`, by what it computes: other processes of the
run, those that tests start among them, and the next run compile nothing again. How long an example of hypothesis takes is never a
failure: it depends on the machine and on who else is at work there. Mutants (`tests.mutation`) all meet the same examples;
`--deeper 20` has every property look at twenty times as many.

Most programs that tests compile run for a moment, and compiling them took longer than all else. XLA is told to leave out what only
makes programs fast: the same operations in the same precision, in a third of the processor time. Where the run itself is long, the
mark `compiled` (implied by `slow`) brings LLVM's passes back. The benchmarks and users' programs are compiled with everything, and
so are the tests by `JAX_DISABLE_MOST_OPTIMIZATIONS=0 XLA_FLAGS= pytest`.

A generator of random numbers that a module of tests has begins anew with every test: the numbers that a test draws do not depend on
which others ran before it in its process.
"""

import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis.internal.detection import is_hypothesis_test

COMPILED = {
    "JAX_COMPILATION_CACHE_DIR": str(Path(__file__).parents[1] / ".compiled"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
}
if version("jaxlib").startswith("0.10."):  # XLA ends a process that sets a flag which it does not know
    COMPILED["XLA_FLAGS"] = (
        "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    )
for name, value in COMPILED.items():
    os.environ.setdefault(name, value)  # read when jax is imported first
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the processes share the cores; more threads wait in busy loops

settings.register_profile("tests", deadline=None)
settings.register_profile(
    "mutants", deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "K times the examples for every property of hypothesis, drawn anew (alone: -m hypothesis)"
    parser.addoption("--deeper", type=int, default=1, metavar="K", help=told)


def pytest_configure() -> None:
    settings.load_profile("mutants" if "MUTANT_UNDER_TEST" in os.environ else "tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (times := config.getoption("--deeper")) == 1:
        return
    everything: set[Any] = {getattr(item, "function", None) for item in items}
    for function in filter(is_hypothesis_test, everything):
        own = function._hypothesis_internal_use_settings
        more = settings(own, max_examples=times * own.max_examples, derandomize=False)
        function._hypothesis_internal_use_settings = more


_begun: dict[int, tuple[np.random.Generator, Any]] = {}


def pytest_runtest_setup(item: pytest.Item) -> None:
    for value in vars(getattr(item, "module", None) or object).values():
        if isinstance(value, np.random.Generator):
            generator, state = _begun.setdefault(id(value), (value, value.bit_generator.state))
            generator.bit_generator.state = state


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A marked test, with the fixtures that are made for it, compiles with optimizations."""
    if not (item.get_closest_marker("compiled") or item.get_closest_marker("slow")):
        return (yield)
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    try:
        return (yield)
    finally:
        jax.config.update("jax_disable_most_optimizations", before)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Work stealing, unless another distribution was asked for."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None
