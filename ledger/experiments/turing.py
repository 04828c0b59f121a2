"""`turing`: a noisy machine of a controller and two subroutines, and the low rank of its susceptibility matrix (Remark 28).

The machine. A tape holds two symbols of one class, A = {0, 1, 2} or B = {3, 4, 5}. The controller reads the first and goes into
state A or B, with noise; the subroutine of that state rewrites both symbols by its table, with noise; on symbols of the other class
it writes at random:

    p(y|x, w) = Σ_s c_s(x_1) Π_i sub_s(y_i|x_i),    c_A = sigmoid(w_c[x_1]),    sub_s(·|x) = softmax(0, w_s[x]) or 1/3

18 weights: 6 of the controller, 3 × 2 of each subroutine. The data z = (x, y) are all 162 tapes, q their law at w*, the minimum.

Why the rank is low. A component C inside subroutine A moves nothing that a tape z of class B depends on: there ℓ_z = ℓ_z(w*), and

    same chain    −Cov_C(g, ℓ_z − L) = Cov_C(g, L)                                 one number for all z in B: rank ≤ 1
    eq 34         −⟨g(ℓ_z − L)⟩_C + ⟨g⟩_C⟨ℓ_z − L⟩ = ⟨gL⟩_C − ⟨g⟩_C(ℓ_z(w*) − ⟨ℓ_z − L⟩)       r_C s_z + t_C: rank ≤ 2

for the off-diagonal block, whose rows are components in A and columns tapes in B. Subtracting the mean of each row keeps both
bounds; subtracting the mean of each *column* too, over components of both subroutines, adds a row vector: they become 2 and 3.
"At most two" of Remark 28 needs to say which. If the two tables are equal, swapping classes and states permutes the matrix.

Two roads: integrals on a grid (components of two weights; the trapezoid rule converges exponentially here), and sampled chains.
As a control, a machine whose subroutines share a row of their tables: there the bound fails.

Reading order: `conduct`; `loss`, `tapes`, `by_grid`, `by_chain`.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from ledger.claim import Budget
from ledger.experiments.experiment import Found, Picture, Result, Statement, Table
from ledger.experiments.folder import Folder
from sampler import chain, components, diagnostics
from sampler.kernels.mala import mala
from sampler.posterior import LocalPosterior
from sampler.susceptibility import mixed, susceptibility

NBETA, GAMMA = 200.0, 2.0
CERTAIN = 2.0  # the logit of the right state
ROWS = tuple((s, i) for s in "AB" for i in range(3))  # the components of two weights: a row of a table
NAMES = tuple(f"{s}{i}" for s, i in ROWS)
EFFORT = {Budget.QUICK: 600, Budget.FULL: 6000}
ZERO = 1e-9


def true_weights() -> dict[str, np.ndarray]:
    """Table A: 0 → 1, 1 → 2, 2 → 0, each as surely as no other; table B the same up to relabelling."""
    table = np.array([[2.0, 0.0], [0.3, 1.4], [-2.5, -2.0]])  # three different rows: equal ones would lower the rank
    return {"controller": CERTAIN * np.array([1.0, 1, 1, -1, -1, -1]), "A": table, "B": table.copy()}


def loss(w: Any, z: Any, *, shared: bool = False) -> Any:
    """−log p(y|x, w); z = (x_1, x_2, y_1, y_2), y numbered within the class. shared: both subroutines use row 0 of table A."""
    x, y = z[:2], z[2:4]
    of_B = x[0] >= 3

    def rewrites(state: str) -> Any:
        rows = w[state] if state == "A" or not shared else w["B"].at[0].set(w["A"][0])
        known = jax.nn.log_softmax(jnp.concatenate([jnp.zeros((3, 1)), rows], axis=1))[x % 3, y]
        own = of_B if state == "B" else ~of_B
        return jnp.sum(jnp.where(own, known, -jnp.log(3.0)))

    control = w["controller"][x[0]]
    return -jnp.logaddexp(jax.nn.log_sigmoid(control) + rewrites("A"), jax.nn.log_sigmoid(-control) + rewrites("B"))


def weighted(w: Any, example: Any, *, shared: bool = False) -> Any:
    """162 q(z) ℓ_z(w), so that the mean over all tapes is L."""
    z, weight = example
    return weight * loss(w, z, shared=shared)


LOSSES = {kind: (partial(loss, shared=kind), partial(weighted, shared=kind)) for kind in (False, True)}


def tapes(shared: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """All z, (162, 4), those of class A first, and 162 q(z)."""
    grid = np.stack(np.meshgrid(*[range(3)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    z = np.concatenate([grid, grid + np.array([3, 3, 0, 0])])
    logs = jax.vmap(LOSSES[shared][0], (None, 0))(jax.tree.map(jnp.asarray, true_weights()), jnp.asarray(z))
    q = np.exp(-np.asarray(logs)) / 18
    return z, len(z) * q


def swapped(z: np.ndarray) -> np.ndarray:
    """Where each tape goes when the classes are exchanged."""
    half = len(z) // 2
    return np.concatenate([np.arange(half, 2 * half), np.arange(half)])


def posterior(shared: bool = False) -> LocalPosterior:
    z, weight = tapes(shared)
    centre = jax.tree.map(jnp.asarray, true_weights())
    return LocalPosterior(LOSSES[shared][1], (jnp.asarray(z), jnp.asarray(weight)), centre, NBETA, GAMMA)


def by_grid(shared: bool, points: int = 121, width: float = 5.0) -> dict[str, Any]:
    """Same-chain χ of each row component, ⟨g⟩_C and ⟨g L⟩_C − L(w*)⟨g⟩_C, by the trapezoid rule on w* ± `width`."""
    p, (z, weight) = posterior(shared), tapes(shared)
    q = weight / len(z)
    axis = np.linspace(-width, width, points)
    moves = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)

    @jax.jit
    def losses(moves: Any, state_is_B: Any, row: Any) -> Any:
        def at(v: Any) -> Any:
            w = dict(p.centre)
            w["A"] = w["A"].at[row].add(jnp.where(state_is_B, 0.0, v))
            w["B"] = w["B"].at[row].add(jnp.where(state_is_B, v, 0.0))
            return jax.vmap(LOSSES[shared][0], (None, 0))(w, jnp.asarray(z))

        return jax.lax.map(at, moves, batch_size=512)

    chi, mean, second = [], [], []
    for state, row in ROWS:
        ell = np.asarray(losses(jnp.asarray(moves), state == "B", row))
        L = ell @ q
        density = np.exp(-NBETA * (L - L.min()) - GAMMA / 2 * (moves**2).sum(axis=1))
        density /= density.sum()
        g = L - ell[len(ell) // 2] @ q
        away = ell - L[:, None]
        chi.append(-((density * (g - density @ g)) @ away))
        mean.append(density @ g)
        second.append(-((density * g) @ away))
    return {"chi": np.array(chi), "mean": np.array(mean), "product": np.array(second)}


def by_chain(draws: int, seed: int, progress: Any) -> dict[str, Any]:
    """The same by MALA: each row component, and the whole machine for the baseline of eq 34."""
    p, (z, _) = posterior(), tapes()
    options = {"chains": 8, "draws": draws, "burn_in": 300, "thin": 5, "probe_loss": LOSSES[False][0]}
    full = chain.run(jax.random.key(seed), mala(0.02), p, probes=jnp.asarray(z), **options, progress=progress)
    found = {"baseline": diagnostics.mean(full.trace("probes") - full.trace("loss")[..., None]).mean}
    chis, sems, mixes, mix_sems = [], [], [], []
    for number, (state, row) in enumerate(ROWS):
        own = components.mask(components.component(p.centre, {state: np.s_[row]}), p.centre)
        restricted = p.moved(mask=own)
        run = chain.run(
            jax.random.key(seed + 1 + number),
            mala(0.05),
            restricted,
            probes=jnp.asarray(z),
            **options,
            progress=progress,
        )
        chi, mix = susceptibility(run), mixed(run, full)
        for rows, row_of in ((chis, chi.mean), (sems, chi.sem), (mixes, mix.mean), (mix_sems, mix.sem)):
            rows.append(row_of)
    return found | {
        "chi": np.array(chis),
        "sem": np.array(sems),
        "mixed": np.array(mixes),
        "mixed_sem": np.array(mix_sems),
    }


def singular_values(chi: np.ndarray, rows: slice, columns: slice, *, centre: str) -> np.ndarray:
    """Of a block of the matrix, centred over all data ("rows"), or over data and then components ("both"), largest 1."""
    chi = chi - chi.mean(axis=1, keepdims=True)
    if centre == "both":
        chi = chi - chi.mean(axis=0)
    values = np.linalg.svd(chi[rows, columns], compute_uv=False)
    return values / values[0]


def conduct(folder: Folder, budget: Budget) -> Result:
    """Integrals, chains, ranks, equivariance, control."""
    grid = folder.part("grid", by_grid, shared=False)
    control = folder.part("grid-shared", by_grid, shared=True)
    chains = folder.part("chains", by_chain, draws=EFFORT[budget], seed=0)
    z, _ = tapes()
    # eq 34 with the integrals of the grid: only its baseline is sampled, and the bound on the rank does not depend on its value.
    blended = grid["product"] + grid["mean"][:, None] * chains["baseline"]
    A, in_B = slice(0, 3), slice(len(z) // 2, None)
    spectra = {
        (form, centre): singular_values(matrix, A, in_B, centre=centre)
        for form, matrix in (("same chain", grid["chi"]), ("eq 34", blended))
        for centre in ("rows", "both")
    }
    spectra["shared row", "rows"] = singular_values(control["chi"], A, in_B, centre="rows")
    bounds = {("same chain", "rows"): 1, ("same chain", "both"): 2, ("eq 34", "rows"): 2}
    statements = [_rank(form, centre, spectra[form, centre], bound) for (form, centre), bound in bounds.items()]
    loose = spectra["eq 34", "both"]
    statements.append(
        Statement(
            f"eq 34, rows and columns centred: singular values {_list(loose)}: 'at most two' of Remark 28 "
            + ("holds here too" if loose[2] < ZERO else "does not hold once columns are centred over components"),
            Found.SHOWN if loose[2] < ZERO else Found.FAILS,
        )
    )
    broken = spectra["shared row", "rows"]
    statements.append(
        Statement(
            f"control, subroutines that share a row: singular values {_list(broken)}; the bound is one of structure",
            Found.HOLDS if broken[1] > 1e-3 else Found.FAILS,
        )
    )
    flip = np.roll(np.arange(6), 3)
    turned = grid["chi"][flip][:, swapped(z)]
    apart = float(np.abs(turned - grid["chi"]).max() / np.abs(grid["chi"]).max())
    statements.append(
        Statement(
            f"Z₂: exchanging classes and states permutes the matrix, up to {apart:.1e} of its largest entry",
            Found.HOLDS if apart < ZERO else Found.FAILS,
        )
    )
    scores = (chains["chi"] - grid["chi"]) / chains["sem"]
    square, width = float(np.mean(scores**2)), _width(scores)
    statements.append(
        Statement(
            f"sampled against integrals: mean z² = {square:.2f} ± {width:.2f} over {scores.size} entries, "
            f"largest |z| = {np.abs(scores).max():.1f}",
            Found.HOLDS if abs(square - 1) < 4 * width else Found.FAILS,
        )
    )
    return Result(
        _data(grid, chains, blended),
        tuple(statements),
        {"spectra": _spectra(spectra, chains), "matrix": _matrix(grid["chi"])},
        (_table(spectra),),
        {"singular values": {f"{form}, {centre}": list(s) for (form, centre), s in spectra.items()}, "z2": apart},
    )


def _rank(form: str, centre: str, values: np.ndarray, bound: int) -> Statement:
    how = "rows centred" if centre == "rows" else "rows and columns centred"
    return Statement(
        f"{form}, {how}: off-diagonal block of rank ≤ {bound}; singular values {_list(values)}",
        Found.HOLDS if values[bound] < ZERO else Found.FAILS,
    )


def _list(values: np.ndarray) -> str:
    return ", ".join(f"{x:.2g}" for x in values)


def _width(scores: np.ndarray) -> float:
    """The standard error of the mean of z², by a jackknife over components: entries of one chain go together."""
    each = np.mean(scores**2, axis=1)
    return float(each.std(ddof=1) / len(each) ** 0.5)


def _data(grid: Any, chains: Any, blended: np.ndarray) -> xr.Dataset:
    pair = ("component", "tape")
    return xr.Dataset(
        {
            "chi": (pair, grid["chi"]), "chi_sampled": (pair, chains["chi"]), "chi_sem": (pair, chains["sem"]),
            "eq34": (pair, blended), "eq34_sampled": (pair, chains["mixed"]), "eq34_sem": (pair, chains["mixed_sem"]),
            "baseline": ("tape", chains["baseline"]),
        },
        coords={"component": list(NAMES), "tape": ["".join(map(str, row)) for row in tapes()[0]]},
    )  # fmt: skip


def _spectra(spectra: dict, chains: Any) -> Picture:
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    axes = figure.subplots()
    for (form, centre), values in spectra.items():
        axes.semilogy([1, 2, 3], np.maximum(values, 1e-17), "o-", ms=4, label=f"{form}, {centre} centred")
    sampled = singular_values(chains["chi"], slice(0, 3), slice(81, None), centre="rows")
    rng = np.random.default_rng(0)
    again = []
    for _ in range(200):
        other = chains["chi"] + chains["sem"] * rng.normal(size=chains["sem"].shape)
        again.append(singular_values(other, slice(0, 3), slice(81, None), centre="rows"))
    axes.errorbar([1, 2, 3], sampled, np.std(again, axis=0), fmt="s", capsize=3, label="same chain, sampled")
    axes.set(xlabel="number", ylabel="singular value / largest", xticks=[1, 2, 3])
    axes.legend(fontsize=8, frameon=False)
    return Picture(
        figure,
        "Off-diagonal block: values at 1e-16 are zeros of the integrals; the sampled ones have the noise of the chains.",
    )


def _matrix(chi: np.ndarray) -> Picture:
    figure = Figure(figsize=(7, 2.4), layout="constrained")
    axes = figure.subplots()
    centred = chi - chi.mean(axis=1, keepdims=True)
    largest = np.abs(centred).max()
    picture = axes.imshow(centred, aspect="auto", cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    axes.axvline(80.5, color="#888888", lw=0.8)
    axes.axhline(2.5, color="#888888", lw=0.8)
    axes.set(yticks=range(6), yticklabels=NAMES, xlabel="tape: class A left, class B right", ylabel="component")
    figure.colorbar(picture, ax=axes)
    return Picture(
        figure,
        "χ by integration (no error to show at this scale), rows centred: off the diagonal each row is constant.",
    )


def _table(spectra: dict) -> Table:
    rows = tuple((form, centre, *(f"{x:.2e}" for x in values)) for (form, centre), values in spectra.items())
    return Table("Singular values of the off-diagonal block", ("form", "centred over", "1", "2", "3"), rows)
