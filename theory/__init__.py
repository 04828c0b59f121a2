"""The exact layer: derivations with sympy and rational arithmetic, no floating point."""
