"""Section 5: patterning."""

from ledger.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
