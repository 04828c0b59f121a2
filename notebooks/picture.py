"""The picture of README: `python notebooks/picture.py` writes three_layers.png (keys fixed, about half a minute).

Lemma 25 in one dimension, t² Cov(x², x) for L = x²/2 + x³/6 + x⁴/24 at t = 60, against the step of SGLD: the certified value of
the posterior, the exact law of the discrete chain, and samples.
"""

from pathlib import Path

import jax
import matplotlib

jax.config.update("jax_enable_x64", True)
matplotlib.use("Agg")

import matplotlib.pyplot as plt
import sympy as sp

from ledger.coefficient import Problem, Sampling, estimate_cumulant
from numerics.posterior import Posterior
from theory import langevin, laplace

x = sp.Symbol("x", real=True)
e = sp.Symbol("e", positive=True)
T = 60
STEPS = [sp.Rational(k, 4) for k in (1, 2, 4, 6, 8, 10)]


def main() -> None:
    problem = Problem(x**2 / 2 + x**3 / 6 + x**4 / 24, (x**2, x), (x,))
    certified = float(Posterior(problem.loss, x, T).covariance(*problem.observables).mid()) * T**2
    chain = langevin.cumulant(problem.loss, problem.observables, (x,), e=e, order=4)
    curve = sp.lambdify(e, T**2 * laplace.evaluate(chain, T))
    estimates = [estimate_cumulant(problem, Sampling(t=T, e=step, draws=8000, thin=2)) for step in STEPS]

    grid = [k / 50 for k in range(1, 136)]
    figure, axes = plt.subplots(figsize=(7.5, 3.8), dpi=130)
    axes.axhline(certified, color="tab:green", lw=1.5, label="enclosed: the posterior, certified to 30 digits")
    axes.plot(
        [0],
        [float(laplace.evaluate(problem.coefficients(6), T)) * T**2],
        "D",
        color="tab:blue",
        label="derived: the posterior",
    )
    axes.plot(grid, [curve(g) for g in grid], color="tab:blue", label="derived: the chain that SGLD really runs")
    axes.errorbar(
        [float(s) for s in STEPS], [float(v.mean) * T**2 for v in estimates], [2 * float(v.sem) * T**2 for v in estimates],
        fmt="o", color="tab:red", capsize=3, label="sampled: SGLD ± 2 s.e.",
    )  # fmt: skip
    axes.set(xlabel="step size ε, in units of 1/t", ylabel="t² Cov(x², x) at t = 60", title="One number, three layers")
    axes.legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(Path(__file__).with_name("three_layers.png"), metadata={"Software": None})


if __name__ == "__main__":
    main()
