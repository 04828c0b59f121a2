"""Section 6.5: patterning from estimated susceptibilities."""

from ledger.claim import Claim

CLAIMS: tuple[Claim, ...] = ()
