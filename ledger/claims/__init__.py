"""The claims of the primer, one module a section, in the order of the paper."""

from importlib import import_module

from ledger.claim import Claim

SECTIONS = (
    "section2",
    "section3",
    "section4",
    "section4_singular",
    "section4_thresholds",
    "section4_covariances",
    "section4_uniqueness",
    "section4_geometry",
    "section4_networks",
    "section4_free_energy",
    "section5",
    "section6",
    "section6_chains",
    "section6_patterning",
    "appendix",
    "chain_law",
    "chain_time",
    "chain_identities",
    "chain_preconditioner",
    "chain_orders",
)


def all_claims() -> tuple[Claim, ...]:
    """Every claim of the ledger, in the order of the paper."""
    return tuple(claim for section in SECTIONS for claim in import_module(f"ledger.claims.{section}").CLAIMS)
