"""What a mutation run (MUTANTS.md) needs: the same examples for every mutant, no shrinking, room for its wrappers on the stack."""

import os
import sys

import pytest
from hypothesis import Phase, settings

from theory import graphs

if "MUTANT_UNDER_TEST" in os.environ:
    sys.setrecursionlimit(5_000)
    settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("mutants")

    @pytest.fixture(autouse=True)
    def nothing_remembered() -> None:
        """Mutants run in forks of one process, where graphs found without the mutation would be remembered."""
        graphs._family.cache_clear()
