"""The blow-ups that are chosen."""

import sympy as sp

from numerics.zeta import resolution

x, y, z = sp.symbols("x y z", positive=True)


def test_weights_bring_two_monomials_to_one_degree() -> None:
    """x³y and xy⁵z, none of them pure: 3a + b = a + 5b for (a, b) = (2, 1), without a common factor."""
    assert resolution._weights(x**3 * y + x * y**5 * z, (x, y, z)) == {x: 2, y: 1}
    assert resolution._weights(x**4 + y**6 + z**3, (x, y, z)) == {x: 3, y: 2, z: 4}
