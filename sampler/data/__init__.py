"""Data sets that install offline, each behind a loader that says which package is missing."""
