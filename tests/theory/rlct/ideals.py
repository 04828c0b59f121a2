"""Random polynomials for the tests of thresholds."""

import sympy as sp


def random_polynomials(rng, variables, counts, most=3):
    """As many polynomials as `counts` allows (fewest, most), each of up to `most` terms of up to `most` factors; without zeros."""
    found = []
    for _ in range(rng.randint(*counts)):
        terms = [
            rng.choice([1, -1, 2, -3]) * sp.prod(rng.choice(variables) for _ in range(rng.randint(1, most)))
            for _ in range(rng.randint(1, most))
        ]
        found.append(sp.expand(sp.Add(*terms)))
    return [p for p in found if p != 0]
