"""How the tests are shared between processes (`pytest -n 2`): each has a stretch of neighbours, and steals when it is done.

Neighbouring tests share modules' fixtures and what the ledger remembers (compiled chains, integrals, runs); dealt out one by one,
most of that would be made in every process.
"""

from typing import Any

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Work stealing, unless another distribution was asked for."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None
