"""The certified trapezoid rule for ∫_{R^d} f e^{−tL}, d ≤ 4: L polynomial with sines and cosines, many f in one pass.

`rule` states the theorems and the recipe. What they need of L stands in rooms of its own: `polynomial` and `waves` (exact),
`shadow` (their verified float bounds), `boxes` (branch and bound), `frames` and `tails` (growth), `steering` (nothing
proved), `lines` (the masses on shifted lines), `rows` and `gridsum` (the sum). `numerics.certificate` proves the answers
again.

Reading order: `rule`, `tails`, `lines`, `gridsum`, the others as they come up.
"""

from numerics.trapezoid.rule import Result, gibbs_integrals

__all__ = ["Result", "gibbs_integrals"]
