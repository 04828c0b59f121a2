"""Section 6.4: the chains that estimate."""

from ledger.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
