"""The claims of the primer, one module a section, in the order of the paper."""

from ledger.claim import Claim


def all_claims() -> tuple[Claim, ...]:
    """Every claim of the ledger, in the order of the paper."""
    from ledger.claims import section3, section4, section6, singular

    return (*section3.CLAIMS, *section4.CLAIMS, *singular.CLAIMS, *section6.CLAIMS)
