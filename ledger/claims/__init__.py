"""The claims of the primer, one module a section, in the order of the paper."""

from ledger.claim import Claim


def all_claims() -> tuple[Claim, ...]:
    """Every claim of the ledger, in the order of the paper."""
    return ()
