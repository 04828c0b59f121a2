"""Certificates of the trapezoid rule, and their independent checker in pure ball arithmetic.

`witness` is the plain data that both sides share; `checker` says what is checked and in which order; `exact_field` and
`local_bounds` are its arithmetic; `growth`, `mass` and `sums` confirm one inequality each. Nothing of the search is imported.

Reading order: `witness`, `checker`, then the three that confirm.
"""

from numerics.certificate.checker import check, outside
from numerics.certificate.witness import Certificate, Growth, Shear

__all__ = ["Certificate", "Growth", "Shear", "check", "outside"]
