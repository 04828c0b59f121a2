"""The ledger: the primer's claims, their evidence in three layers, and the verdicts."""
