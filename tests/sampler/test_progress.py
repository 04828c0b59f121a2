"""The bar on stderr: what it shows, and that nothing is shown unless asked for."""

import jax
import jax.numpy as jnp

from sampler import chain
from sampler.kernels.sgld import sgld
from sampler.posterior import LocalPosterior


def loss(w, z):
    return jnp.sum(w**2) / 2


def go(**options):
    p = LocalPosterior(loss, jnp.zeros((1, 0)), jnp.zeros(2), 10.0, 1.0)
    return chain.run(jax.random.key(0), sgld(0.05), p, chains=2, draws=100, burn_in=50, **options)


def test_bar(capsys):
    go(progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "100/100" in shown.err and "R-hat" in shown.err and "/s" in shown.err


def test_function_and_silence(capsys):
    seen = []
    go(progress=lambda done, draws: seen.append((done, draws)), every=40)
    assert seen == [(40, 100), (80, 100), (100, 100)]
    assert capsys.readouterr() == ("", "")
