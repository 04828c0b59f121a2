"""A cold start does not import what it does not need (see `tests.trust.cold`, which also prints the seconds)."""

import pytest

from tests.trust.cold import STARTS, Start, measure


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.name)
def test_nothing_heavy_is_imported(start: Start) -> None:
    _, modules = measure(start)
    assert not start.never & modules
