"""Appendix A: Gaussian moments and diagrams, to all orders."""

from ledger.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
