"""The claims of the primer, one module a section, in the order of the paper."""

from ledger.claim import Claim


def all_claims() -> tuple[Claim, ...]:
    """Every claim of the ledger, in the order of the paper."""
    from ledger.claims import (
        appendix,
        section3,
        section4,
        section4_singular,
        section5,
        section6,
        section6_chains,
        section6_patterning,
    )

    sections = (
        section3,
        section4,
        section4_singular,
        section5,
        section6,
        section6_chains,
        section6_patterning,
        appendix,
    )
    return tuple(claim for section in sections for claim in section.CLAIMS)
