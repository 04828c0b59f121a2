"""The contract of a kernel, held by each of them: trees, dtypes, keys, masks, one compilation, one recorded chain, the exact law.

The laws are met at large steps on purpose: ε λ_max = 1.5 of the 4 at which a Langevin step diverges, where the covariance of one
kernel is 10 to 60% away from that of another.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from scipy import stats

from numerics.posterior import Posterior
from sampler import chain, diagnostics
from sampler.kernels import kernel as contract
from sampler.kernels.mala import mala
from sampler.kernels.nuts import nuts
from sampler.kernels.preconditioned import preconditioned, rmsprop
from sampler.kernels.sgld import sgld
from sampler.kernels.underdamped import baoab, sgnht
from sampler.posterior import LocalPosterior
from theory.errors import BadInput

CENTRE = {"a": np.array([1.0, 2.0], np.float32), "b": np.array([0.5, -0.5, 0.0])}
KERNELS = {
    "sgld": sgld,
    "preconditioned": lambda epsilon: preconditioned(epsilon, {"a": 0.5, "b": np.array([1.0, 2.0, 0.7])}),
    "rmsprop": rmsprop,
    "rmsprop frozen": lambda epsilon: rmsprop(epsilon, initial=1.0, corrected=True, adaptation=3),
    "baoab": lambda epsilon: baoab(epsilon, 2.0),
    "sgnht": lambda epsilon: sgnht(epsilon, 2.0),
    "mala": mala,
    "nuts": lambda epsilon: nuts(epsilon, 4),
}
every_kernel = pytest.mark.parametrize("name", KERNELS)


def loss(w, z):
    return jnp.sum((w["a"] - 1) ** 2) / 2 + jnp.sum(w["b"] ** 2) + z[0] * w["b"][0]


def posterior(mask=True, nbeta=10.0):
    return LocalPosterior(loss, jnp.zeros((4, 1)), CENTRE, nbeta, 1.0, mask)


@cache
def compiled(name):
    """(init, step) of a kernel, compiled once; fresh functions, so that their caches count this kernel alone."""
    kind = type(KERNELS[name](0.1))
    return tuple(jax.jit(lambda *args, move=move: move(*args)) for move in (kind.init, kind.step))


def walk(name, p, epsilon=0.01, steps=5, key=0):
    """The state at the start and after some steps."""
    init, step = compiled(name)
    kernel = KERNELS[name](epsilon)
    state = first = init(kernel, jax.random.key(key), p, p.centre)
    for s in range(steps):
        state = step(kernel, jax.random.fold_in(jax.random.key(key), s), p, state)
    return first, state


@jax.jit
def drift_at(p, w):
    return p.value_and_gradient(w, p.data)


def same_bits(one, two):
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True))


@every_kernel
def test_state_keeps_tree_shape_dtype_and_loss(name):
    p = posterior()
    before, after = walk(name, p)
    assert jax.tree.structure(before) == jax.tree.structure(after)
    for one, two in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        assert (one.shape, one.dtype) == (two.shape, two.dtype)
    assert after.position["a"].dtype == jnp.float32
    assert after.position["b"].dtype == jnp.float64
    loss_there, gradient_there = drift_at(p, after.position)
    np.testing.assert_allclose(after.loss, loss_there, rtol=1e-6)
    np.testing.assert_allclose(after.gradient["b"], gradient_there["b"], rtol=1e-6, atol=1e-6)
    drift, square = KERNELS[name](0.01).virial(p, after)
    assert drift.shape == square.shape == ()
    assert drift.dtype == square.dtype


@every_kernel
def test_step_size_is_an_array_leaf_and_checked(name):
    assert 0.25 in [float(leaf) for leaf in jax.tree.leaves(KERNELS[name](0.25)) if leaf.ndim == 0]
    for bad in (0.0, -1.0, np.nan, np.inf, np.ones(2)):
        with pytest.raises(BadInput):
            KERNELS[name](bad)


@every_kernel
def test_clamped_weights_do_not_move_and_carry_no_momentum(name):
    _, state = walk(name, posterior({"a": False, "b": jnp.array([True, False, True])}), 0.1)
    np.testing.assert_array_equal(state.position["a"], CENTRE["a"])
    assert (np.asarray(state.position["b"]) != np.asarray(CENTRE["b"])).tolist() == [True, False, True]
    momentum = getattr(state.memory, "momentum", state.memory if name == "baoab" else None)
    if momentum is not None:
        assert (np.asarray(momentum["b"]) != 0).tolist() == [True, False, True]


@every_kernel
def test_same_key_same_bits_and_one_compilation(name):
    p = posterior()
    one, two, other = (walk(name, p, key=key)[1] for key in (5, 5, 6))
    assert same_bits(one, two)
    assert not same_bits(one.position, other.position)
    walk(name, posterior({"a": False, "b": True}, nbeta=7.0), epsilon=0.02)
    assert [part._cache_size() for part in compiled(name)] == [1, 1]


# The laws. One potential for all, so that each kernel is compiled once: its quadratic and its wavy part are data. The waves
# have a bounded curvature: no chain can escape, and the stationary law exists at every stable step.


def wavy(w, z):
    return w @ z["H"] @ w / 2 + jnp.sum(z["sine"] * jnp.sin(w) + z["cosine"] * jnp.cos(2 * w))


NBETA, GAMMA = 10.0, 1.0
H = np.array([[2.0, 0.6], [0.6, 0.5]])
P = NBETA * H + GAMMA * np.eye(2)
D = np.array([0.5, 3.0])
U = 1.5
OBSERVE = {"w": lambda w: w}
SIZES = {"chains": 64, "draws": 2000, "burn_in": 500, "thin": 2}  # every thin > 1 has the same program


def target(H, sine=(0.0, 0.0), cosine=(0.0, 0.0)):
    data = {"H": jnp.array(H)[None], "sine": jnp.array(sine)[None], "cosine": jnp.array(cosine)[None]}
    return LocalPosterior(wavy, data, jnp.zeros(2), NBETA, GAMMA)


def largest(M):
    return float(np.linalg.eigvalsh(M)[-1])


EPSILON = U / largest(P)
EPSILON_D = U / largest(np.sqrt(D)[:, None] * P * np.sqrt(D))
GIBBS = np.linalg.inv(P)
OF_SGLD = np.linalg.inv(P - EPSILON / 4 * P @ P)
OF_PRECONDITIONED = np.linalg.inv(P - EPSILON_D / 4 * P @ np.diag(D) @ P)
# a kernel's maker, its exact covariance at a quadratic U, and one that must be told from it
LAWS = {
    "sgld": (lambda: sgld(EPSILON), OF_SGLD, GIBBS),
    "preconditioned": (lambda: preconditioned(EPSILON_D, D), OF_PRECONDITIONED, GIBBS),
    "baoab": (lambda: baoab(EPSILON, 2.0), GIBBS, OF_SGLD),
    "mala": (lambda: mala(0.7 * EPSILON), GIBBS, np.linalg.inv(P - 0.7 * EPSILON / 4 * P @ P)),
    "nuts": (lambda: nuts(0.5 * EPSILON, 4), GIBBS, np.linalg.inv(P - 0.5 * EPSILON / 4 * P @ P)),
}
every_law = pytest.mark.parametrize("name", LAWS)


@cache
def drawn(name):
    return chain.run(jax.random.key(11), LAWS[name][0](), target(H), observables=OBSERVE, **SIZES)


@every_law
def test_covariance_at_a_quadratic(name, agrees, limit):
    """Of y = S^{−1/2} w, so that the exact answer is I and one standard error says what would be seen."""
    _, exact, wrong = LAWS[name]
    root = np.linalg.inv(np.linalg.cholesky(exact))
    y = drawn(name).kept(drawn(name).observables["w"]) @ root.T
    found = diagnostics.covariance(y, y)
    assert agrees(found, np.eye(2))
    assert agrees(diagnostics.mean(y), np.zeros(2))
    assert not agrees(found, root @ wrong @ root.T)
    # An error of a tenth in either direction would be seen with probability 0.99.
    assert (limit(4) + 2.33) * found.sem.max() < 0.1


@every_law
def test_virial_identity_at_a_quadratic(name, limit):
    run = drawn(name)
    assert abs(run.stationarity()) < limit()
    doubled = diagnostics.mean(run.kept(run.drift) - 2 * run.kept(run.square) - run.dimension)
    if run.square.any():
        assert name == "baoab" or abs(doubled.z(0.0)) > limit(), "a wrong factor of the square term must be seen"
    assert abs(diagnostics.mean(run.kept(run.drift)).z(1.1 * run.dimension)) > limit()


STIFF, SINE, COSINE = (0.5, 0.8), (0.2, -0.3), (0.25, -0.15)


@cache
def moments():
    """⟨w⟩ and ⟨w²⟩ of each coordinate under exp(−U), by certified integrals; U is a sum over the two."""
    w = sp.Symbol("w")
    found = []
    for h, b, q in zip(STIFF, SINE, COSINE, strict=True):
        h, b, q = (sp.Rational(str(x)) for x in (h, b, q))
        loss = 10 * (h * w**2 / 2 + b * sp.sin(w) + q * sp.cos(2 * w)) + w**2 / 2
        law = Posterior(loss, w, 1, digits=12)
        found.append([float(law.expectation(w)), float(law.expectation(w**2))])
    return np.array(found).T


def sampled(kernel, **sizes):
    """The sampled moments on the waves, in the order of `moments`."""
    p = target(np.diag(STIFF), SINE, COSINE)
    run = chain.run(jax.random.key(12), kernel, p, observables=OBSERVE, **SIZES | sizes)
    w = run.kept(run.observables["w"])
    return diagnostics.mean(np.stack([w, w**2], axis=2)), run


@pytest.mark.parametrize("name", ["mala", "nuts"])
def test_wavy_law_of_the_unbiased_kernels(name, agrees, limit):
    found, run = sampled(KERNELS[name](0.06 if name == "mala" else 0.02))
    assert agrees(found, moments())
    assert abs(run.stationarity()) < limit()
    assert (limit(4) + 2.33) * (found.sem / np.abs(moments()))[1].max() < 0.1
    biased, _ = sampled(sgld(0.06))
    assert not agrees(biased, moments()), "the step of SGLD must be seen where mala's is not"


@pytest.mark.parametrize("make", [baoab, sgnht], ids=["baoab", "sgnht"])
def test_wavy_law_of_the_symmetric_splittings(make, limit):
    """Their bias is O(ε) (Leimkuhler & Matthews; & Shang): what is measured at 16 ε bounds a sixteenth of it at ε."""
    coarse, _ = sampled(make(0.08, 1.0))
    fine, run = sampled(make(0.005, 1.0), thin=4)
    bias = (np.abs(coarse.mean - moments()) + limit(4) * coarse.sem) / 16
    assert np.all(bias < 0.01 * np.abs(moments()[1]) ** 0.5), "the bias left is a hundredth of the spread at most"
    gap = np.abs(fine.mean - moments())
    assert np.all(gap < limit(4) * np.hypot(fine.sem, bias))
    assert abs(run.stationarity()) < limit()


@pytest.mark.parametrize("name", ["rmsprop frozen", "baoab", "sgnht"])
def test_a_run_that_was_cut_off_goes_on_bit_for_bit(name, tmp_path):
    class CutOff(Exception):
        pass

    def cut(done, draws):
        if done < draws:
            raise CutOff

    def run(path, progress=None):
        settings = {"chains": 2, "draws": 8, "burn_in": 1, "thin": 2, "every": 4, "checkpoint": path}
        return chain.run(jax.random.key(1), KERNELS[name](0.01), posterior(), progress=progress, **settings)

    whole = run(tmp_path / "whole.npz")
    with pytest.raises(CutOff):
        run(tmp_path / "cut.npz", cut)
    resumed = run(tmp_path / "cut.npz")
    assert same_bits(*((r.loss, r.drift, r.square, r.position) for r in (whole, resumed)))


def test_kernels_with_the_same_fields_are_different_keys():
    """Else a compiled function takes one for the other (with `register_dataclass` it did, in one process of a hundred)."""
    structures = [jax.tree.structure(k) for k in (sgld(0.1), mala(0.1), nuts(0.1, 4), nuts(0.1, 5), baoab(0.1, 1.0))]
    for i, one in enumerate(structures):
        assert [one == other for other in structures] == [i == j for j in range(len(structures))]
    for name, make in KERNELS.items():
        leaves, tree = jax.tree.flatten(make(0.1))
        assert jax.tree.structure(jax.tree.unflatten(tree, leaves)) == tree, name
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(baoab(0.1, 1.0))]
    assert paths == [".epsilon", ".friction"]


def test_noise_is_standard_and_of_each_dtype(limit):
    like = {"a": jnp.zeros(20_000, jnp.float32), "b": jnp.zeros((100, 200)), "c": jnp.zeros((2, 3))}
    noise = jax.jit(contract.noise)
    drawn = noise(jax.random.key(3), like)
    for name, leaf in like.items():
        assert (drawn[name].shape, drawn[name].dtype) == (leaf.shape, leaf.dtype)
    few = [np.asarray(noise(jax.random.key(k), like)["c"]) for k in range(40)]
    assert abs(np.mean(few)) * 240**0.5 < limit(4) and len(np.unique(few)) == 240
    for part in (drawn["a"], drawn["b"]):
        flat = np.asarray(part, np.float64).ravel()
        assert abs(flat.mean()) * 20_000**0.5 < limit(4)
        assert abs((flat**2).mean() - 1) * 10_000**0.5 < limit(4)


def test_mala_refuses_minibatches_and_leaves_no_support():
    with pytest.raises(BadInput):
        mala(0.1).init(jax.random.key(0), LocalPosterior(loss, jnp.zeros((4, 1)), CENTRE, 1.0, 0.0, None, 2), CENTRE)
    half_line = LocalPosterior(lambda w, z: w[0] - jnp.log(w[0]), jnp.zeros((1, 0)), jnp.ones(1), 1.0, 0.0)
    init, step = (jax.jit(part) for part in (mala(4.0).init, mala(4.0).step))
    state = init(jax.random.key(0), half_line, half_line.centre)
    accepted = []
    for s in range(200):
        state = step(jax.random.key(s), half_line, state)
        accepted.append(float(state.accepted))
        assert float(state.position[0]) > 0
        assert np.isfinite(state.loss)
    assert 0 < np.mean(accepted) < 1


def test_noise_is_standard_normal_and_its_words_are_independent():
    """Single precision draws use both words of a block. False alarms: 1e-6 each; a variance off by 0.4% fails."""
    n = 2_000_000
    normal = jax.jit(contract.normal, static_argnums=(1, 2))
    x = np.asarray(normal(jax.random.key(5), n, jnp.float32), np.float64)
    assert x.dtype == np.float64 and np.isfinite(x).all()
    assert stats.kstest(x, "norm").pvalue > 1e-6
    for moment, expected, variance in ((x, 0, 1), (x**2, 1, 2), (x**3, 0, 15), (x**4, 3, 96)):
        assert abs(moment.mean() - expected) < 4.9 * (variance / n) ** 0.5
    for product in (x[1:] * x[:-1], x[: n // 2] * x[n // 2 :], x[: n // 2] ** 2 * x[n // 2 :]):
        assert abs(product.mean()) < 4.9 * (product.var() / len(product)) ** 0.5
    assert not np.array_equal(x[:100], np.asarray(normal(jax.random.key(6), n, jnp.float32))[:100])


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_all_words_of_a_block_are_used_as_jax_once_did(n):
    """The bits, the rest of an odd number among them, are those of jax where elements may depend on how many there are."""
    key = jax.random.key(8)
    with jax.threefry_partitionable(False):
        expected = jax.random.normal(key, (n,), jnp.float32)
    found = jax.jit(contract.normal, static_argnums=(1, 2))(key, n, jnp.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_noise_of_other_generators_and_precisions_is_jax_s_own():
    for key, dtype in ((jax.random.key(5, impl="rbg"), jnp.float32), (jax.random.key(5), jnp.float64)):
        np.testing.assert_array_equal(contract.normal(key, 7, dtype), jax.random.normal(key, (7,), dtype))
