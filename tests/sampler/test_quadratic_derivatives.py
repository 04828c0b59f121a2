"""Derivatives along directions, and the traces and covariances made of them, on polynomials whose tensors are numbers.

Seven examples ℓ_z = b_z·w + ½ wA_zw + (1/6) T_z(w, w, w) + (1/24) Q_z(w, w, w, w) with Σ b_z = 0, in five weights of which four
move; groups of examples and of directions that do not come out even. The other road is numpy's einsum.
"""

from dataclasses import FrozenInstanceError, replace
from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sampler import quadratic
from sampler.posterior import LocalPosterior
from sampler.quadratic import derivatives
from sampler.quadratic.derivatives import Site
from theory.errors import BadInput

RNG = np.random.default_rng(0)
N, FREE = 7, np.array([0, 1, 3, 4])


def symmetric(rank: int) -> np.ndarray:
    X = RNG.normal(size=(N, *(5,) * rank))
    return np.mean([X.transpose(0, *(1 + np.array(p))) for p in permutations(range(rank))], axis=0)


B = RNG.normal(size=(N, 5))
B -= B.mean(axis=0)
A, T, Q = symmetric(2) / 5 + np.diag([2.0, 3.0, 9.0, 4.0, 6.0]), symmetric(3), symmetric(4)


def loss(w, z):
    v = jnp.concatenate([w["a"], w["b"]])
    b, A, T, Q = z
    return b @ v + v @ A @ v / 2 + v @ (v @ (v @ T)) / 6 + v @ (v @ (v @ (v @ Q))) / 24


def on(X: np.ndarray) -> np.ndarray:
    """A tensor of an example, or of each, on the four weights that move."""
    for axis in range(1, X.ndim):
        X = np.take(X, FREE, axis=axis)
    return X


b, H_z, T_z, Q_z = map(on, (B, A, T, Q))
H, T3, Q4 = H_z.mean(axis=0), T_z.mean(axis=0), Q_z.mean(axis=0)
X, Y = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4))
MASK = {"a": np.array([True, True]), "b": np.array([False, True, True])}


def posterior(gamma: float = 20.0) -> LocalPosterior:
    """nβ = 40, γ/nβ = ½."""
    return LocalPosterior(loss, (B, A, T, Q), {"a": jnp.zeros(2), "b": jnp.zeros(3)}, 40.0, gamma, MASK)


@pytest.fixture(scope="module")
def site() -> Site:
    with jax.enable_x64(True):
        return Site.of(posterior(), 3, 2)


def test_derivatives_of_the_mean_loss(site) -> None:
    """DL = 0, D²L v, T[v, v, ·], T[x, y, ·] for rows, and T[x, v, ·], Q[x, x, v, ·] for one direction and a basis."""
    np.testing.assert_allclose(derivatives.slope(site), np.zeros(4), atol=1e-14)
    np.testing.assert_allclose(derivatives.products(site, X), X @ H, rtol=1e-10)
    weights = np.arange(1.0, N + 1)
    np.testing.assert_allclose(
        derivatives.products(site, X, weights), X @ np.einsum("z,zij->ij", weights, H_z), rtol=1e-10
    )
    np.testing.assert_allclose(derivatives.bends(site, X), np.einsum("ijk,pi,pj->pk", T3, X, X), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        derivatives.thirds(site, X, Y), np.einsum("ijk,pi,pj->pk", T3, X, Y), rtol=1e-9, atol=1e-12
    )
    (third,) = derivatives.slices(site, X[0], Y, fourth=False)
    both = derivatives.slices(site, X[0], Y, fourth=True)
    for found in (third, both[0]):
        np.testing.assert_allclose(found, np.einsum("ijk,i,pj->pk", T3, X[0], Y), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(both[1], np.einsum("ijkl,i,j,pk->pl", Q4, X[0], X[0], Y), rtol=1e-9, atol=1e-12)


def test_derivatives_of_each_example(site) -> None:
    items = site.posterior.data
    found = {
        "gradients": (derivatives.gradients(loss, site, items), b),
        "products": (derivatives.products_each(loss, site, items, jnp.asarray(X[0])), H_z @ X[0]),
        "curvings": (derivatives.curvings(loss, site, items, X), np.einsum("zij,pi,pj->zp", H_z, X, X)),
        "hessians": (derivatives.hessians(loss, site, items, X), np.einsum("zij,pi,qj->zpq", H_z, X, X)),
        "bends": (derivatives.trace_bends(loss, site, items, X), np.einsum("zijk,pi,pj->zk", T_z, X, X)),
        "mixed": (derivatives.mixed(loss, site, items, X, Y), np.einsum("zij,pi,pj->zp", H_z, X, Y)),
    }
    for name, (answer, expected) in found.items():
        np.testing.assert_allclose(answer, expected, rtol=1e-9, atol=1e-12, err_msg=name)


def test_groups_of_examples_and_directions_are_no_larger_than_asked() -> None:
    """And the weights of all groups add up to 1; a size below 1 is refused, and none can be changed."""
    fixed: Any = Site.of(posterior(), 3, 2)
    with pytest.raises(FrozenInstanceError):
        fixed.width = 0
    for size in (0, -1):
        for options in ((size, 4), (None, size)):
            with pytest.raises(BadInput, match=f"must be at least 1; it is {size}"):
                Site.of(posterior(), *options)
    taken = []

    def total(L):
        return L(jnp.zeros(4))

    def losses(self, params, examples):
        taken.append(len(examples[0]))
        return jnp.ones(len(examples[0]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalPosterior, "losses", losses)
        for microbatch, largest in ((3, 3), (7, 7)):
            taken.clear()
            assert float(Site.of(posterior(), microbatch, 4).averaged(total)) == pytest.approx(1)
            assert max(taken) == largest
    assert Site.of(posterior(), 1, 1).over(lambda v: 2 * v, jnp.arange(5.0)).tolist() == [0, 2, 4, 6, 8]


D = np.array([0.25, 2.0, 1.5, 0.5])
TREE = {"a": np.array([0.25, 2.0]), "b": np.array([7.0, 1.5, 0.5])}


@pytest.fixture(scope="module", params=[True, False], ids=["preconditioned", "plain"])
def chain_(request):
    """The iterative predictions, D, c and S(e) = (P − (e/4) P D P)⁻¹."""
    with jax.enable_x64(True):
        found = quadratic.iterative(
            posterior(), samples=8, preconditioner=TREE if request.param else None, microbatch=3
        )
    d = D if request.param else np.ones(4)
    P = H + 0.5 * np.eye(4)
    return found, d, lambda e: np.linalg.inv(P - e / 4 * P @ np.diag(d) @ P)


@pytest.mark.parametrize("u", [0.0, 1.5])
def test_traces_are_means_of_forms_in_the_random_signs(chain_, u) -> None:
    """tr(HS) as z·(I − eP′/4)⁻¹z − c z·√D S′ √D z with P′ = √D P √D; tr(AS) and T:S in z and Sz; their scatter over √N."""
    found, d, S_of = chain_
    epsilon = found.step(u) if u else 0.0
    e, z, c, root = 40 * epsilon, found._signs(), 0.5, np.sqrt(d)
    S, P = S_of(e), root[:, None] * (H + c * np.eye(4)) * root
    assert set(z.ravel()) == {-1.0, 1.0} and z.shape == (8, 4)
    first = np.einsum("ni,ij,nj->n", z, np.linalg.inv(np.eye(4) - e * P / 4), z)
    values = (first - c * np.einsum("ni,ij,nj->n", z, S, z)) / 2
    mean = found.llc(epsilon)
    assert float(mean.mean) == pytest.approx(values.mean(), rel=1e-8) and mean.ess == 8
    assert float(mean.sem) == pytest.approx(values.std(ddof=1) / 8**0.5, rel=1e-5, abs=1e-6)
    phi = found.losses((B[:3], A[:3], T[:3], Q[:3]), centred=False)
    Sz, shift = z @ S, b[:3] @ np.linalg.inv(H + c * np.eye(4))
    values = (np.einsum("pij,ni,nj->pn", H_z[:3], z, Sz) - np.einsum("pk,ijk,ni,nj->pn", shift, T3, z, Sz)) / 80
    estimate = replace(found, known={}).mean(phi, epsilon)  # solved anew
    np.testing.assert_allclose(estimate.mean, values.mean(axis=1), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(estimate.sem, values.std(axis=1, ddof=1) / 8**0.5, rtol=1e-4, atol=1e-7)
    psi = found.losses((B[3:], A[3:], T[3:], Q[3:]))
    answer = found.covariance(phi, psi, epsilon)
    exact = b[:3] @ S @ b[3:].T / 40
    assert (np.abs(answer.mean - exact) <= answer.sem + 1e-13).all() and answer.sem.max() < 1e-6 * np.abs(exact).max()


def test_the_covariance_with_the_loss_is_its_three_terms(chain_) -> None:
    """½ [D²ψ[z, SHSz] − T[z, SHSz, Sb] + c T[z, Sz, SSb]]/t² at ε = 0, where D has no part in S."""
    found, _, S_of = chain_
    S, z = S_of(0.0), found._signs()
    SHSz, Sz, g = z @ (S @ H @ S), z @ S, b[:3] @ S
    values = np.einsum("pij,ni,nj->pn", H_z[:3] - H, z, SHSz) - np.einsum("pk,ijk,ni,nj->pn", g, T3, z, SHSz)
    values += 0.5 * np.einsum("pk,ijk,ni,nj->pn", g @ S, T3, z, Sz)
    answer = replace(found, known={}).loss_covariance((B[:3], A[:3], T[:3], Q[:3]))
    np.testing.assert_allclose(answer.mean, values.mean(axis=1) / 3200, rtol=1e-6, atol=1e-11)
    np.testing.assert_allclose(answer.sem, values.std(axis=1, ddof=1) / 8**0.5 / 3200, rtol=1e-4, atol=1e-10)


def test_the_step_and_another_localisation(chain_) -> None:
    """ε = u/(t λ_max) with the highest eigenvalue of √D P √D, which more γ moves by its part."""
    found, d, _ = chain_
    for gamma, other in ((20.0, found), (80.0, found.localised(80.0))):
        root = np.sqrt(d)
        values = np.linalg.eigvalsh(root[:, None] * (H + gamma / 40 * np.eye(4)) * root)
        assert other.confinement == gamma / 40 and other.t == 40
        assert other.highest.value == pytest.approx(values[-1], rel=1e-9)
        assert other.lowest.value == pytest.approx(values[0], rel=1e-9)
        assert other.step(1.5) == pytest.approx(1.5 / (40 * values[-1]), rel=1e-9)
    for u in (0.0, 4.0):
        with pytest.raises(BadInput, match="0 < u"):
            found.step(u)
