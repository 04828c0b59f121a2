"""The machine that a run is on: versions, device, and the precision that jax is told to compute in."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ledger.claim import Budget

SEEDS = "fixed in each claim"
_PACKAGES = ("threefold", "sympy", "python-flint", "mpmath", "numpy", "scipy", "jax")


def environment(budget: Budget) -> dict[str, Any]:
    """What the numbers depend on: versions, budget, seeds and kind of machine, but neither its name nor its paths."""
    packages = {name: package_version(name) for name in _PACKAGES}
    return {
        "python": platform.python_version(),
        **packages,
        "platform": f"{platform.system()} {platform.machine()}",
        "device": _device(),
        "budget": budget.value,
        "seed": SEEDS,
    }


def enable_double_precision() -> None:
    """The sampled layer compares with exact numbers; jax computes in single precision unless told before first use."""
    import jax

    jax.config.update("jax_enable_x64", True)


def accelerated() -> bool:
    """Whether jax computes on something other than the CPU."""
    import jax

    return jax.default_backend() != "cpu"


def package_version(package: str) -> str | None:
    """Its version, None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _device() -> str | None:
    """The device that sampled, if jax was used at all."""
    jax = sys.modules.get("jax")
    try:
        return None if jax is None else jax.devices()[0].device_kind
    except RuntimeError:
        return None
