"""Components of a model by name: which weights move (Def 7, W = U × C), and chains that keep nothing else.

Idea
----
A component C is a set of places in a pytree of weights: whole leaves, or slices of leaves. It is chosen by *name*, the path of
a leaf with dots ("layer0.W_Q"; globs such as "layer*.W_?" choose several), and by numpy index where only a slice is meant:

    component(weights, "layer0.*")                                      a layer
    component(weights, {"layer0.W_Q": np.s_[:, 64:128], …})             slices
    head(weights, "layer0", 1, d_head=64)                               one attention head, grouped-query attention included

`Component.preview()` shows what was chosen before anything runs. From a component

* `mask(component, weights)` is a mask for `LocalPosterior`: the chain carries all weights and moves some;
* `restrict(posterior, component)` is a posterior *of the component alone*: the state holds v ∈ C only, no gradient of a
  frozen weight is ever taken, and what the loss computes without looking at v is computed once per example and kept
  (`partial_evaluation`). Same density, same nβ and γ: the two give the same law but for the order of sums.

Reading order: `Component`, `component`, `head`, `mask`, `restrict`, `Restricted`.
"""

import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from sampler.partial_evaluation import Split, split
from sampler.posterior import Example, LocalPosterior, Loss, Params
from theory.errors import BadInput

Index = Any  # what numpy indexing takes; basic slices keep views, arrays of integers choose rows
WHOLE = np.s_[...]
MAX_BYTES = 2**30


@dataclass(frozen=True)
class Component:
    """Names of leaves with the index of the slice that moves in each; `shapes` those of the whole leaves."""

    entries: Mapping[str, Index]
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def size(self) -> int:
        """How many weights move."""
        return sum(int(np.prod(self.shape_of(name))) for name in self.entries)

    def shape_of(self, name: str) -> tuple[int, ...]:
        return np.empty(self.shapes[name], np.bool_)[self.entries[name]].shape

    def preview(self) -> str:
        """One line a leaf: name, whole shape, shape that moves, number of weights."""
        width = max(map(len, self.entries))
        lines = [
            f"{name:{width}s}  {self.shapes[name]!s:>16s} → {shape!s:<16s} {prod(shape):>10,d}"
            for name, shape in ((name, self.shape_of(name)) for name in self.entries)
        ]
        return "\n".join([*lines, f"{'in all':{width}s}  {'':>16s}   {'':<16s} {self.size:>10,d}"])

    def take(self, weights: Params) -> dict[str, Array]:
        """v: the weights of the component, by name."""
        leaves = names_of(weights)
        return {name: leaves[name][index] for name, index in self.entries.items()}

    def put(self, weights: Params, v: Mapping[str, Array]) -> Params:
        """The weights with those of the component replaced by v."""
        leaves = names_of(weights)
        for name, index in self.entries.items():
            leaves[name] = v[name] if index is WHOLE else leaves[name].at[index].set(v[name])
        return jax.tree.unflatten(jax.tree.structure(weights), list(leaves.values()))


def names_of(weights: Params) -> dict[str, Array]:
    """{"layer0.W_Q": leaf, …} in the order of the leaves."""
    paths, _ = jax.tree_util.tree_flatten_with_path(weights)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in paths}


def component(weights: Params, chosen: str | list[str] | Mapping[str, Index]) -> Component:
    """The component of all leaves that match a glob or one of several, or of the slices {glob: index}.

    Raises `BadInput` for a glob that matches nothing (with the names there are), an index that does not fit, or an empty slice.
    """
    wanted = (
        {chosen: WHOLE}
        if isinstance(chosen, str)
        else dict.fromkeys(chosen, WHOLE)
        if isinstance(chosen, list)
        else chosen
    )
    shapes = {name: jnp.shape(leaf) for name, leaf in names_of(weights).items()}
    entries: dict[str, Index] = {}
    for glob, index in wanted.items():
        matched = [name for name in shapes if fnmatch.fnmatchcase(name, glob)]
        if not matched:
            raise BadInput(f"no weight is named {glob!r}; the names are {', '.join(shapes)}.")
        for name in matched:
            try:
                moving = np.empty(shapes[name], np.bool_)[index].size
            except IndexError as error:
                raise BadInput(f"the index {index} does not fit {name} of shape {shapes[name]}: {error}.") from None
            if not moving:
                raise BadInput(f"the index {index} chooses nothing of {name} of shape {shapes[name]}.")
            entries[name] = index
    if not entries:
        raise BadInput(f"a component needs at least one weight; the names are {', '.join(shapes)}.")
    return Component(entries, shapes)


def head(
    weights: Params,
    layer: str,
    number: int,
    *,
    d_head: int,
    names: tuple[str, str, str, str] = ("W_Q", "W_K", "W_V", "W_O"),
    shared: bool = True,
) -> Component:
    """Attention head `number` of a layer: its columns of W_Q, W_K, W_V and its rows of W_O, each `d_head` wide.

    With grouped queries (fewer columns in W_K than in W_Q) the head's key and value head is number // group; `shared=False`
    leaves those two out, since the other heads of the group use them too. Raises `BadInput` for a number out of range or a
    d_head that does not divide the widths.
    """
    shapes = {name: jnp.shape(leaf) for name, leaf in names_of(weights).items()}
    q, k, v, o = (f"{layer}.{name}" for name in names)
    missing = [name for name in (q, k, v, o) if name not in shapes]
    if missing:
        raise BadInput(f"no weight is named {missing[0]!r}; the names are {', '.join(shapes)}.")
    queries, keys = shapes[q][1], shapes[k][1]
    if queries % d_head or keys % d_head or queries % keys or shapes[o][0] != queries or shapes[v][1] != keys:
        raise BadInput(
            f"heads of width {d_head} do not divide {', '.join(f'{name} {shapes[name]}' for name in (q, k, v, o))}; give d_head."
        )
    if not 0 <= number < queries // d_head:
        raise BadInput(f"{layer} has heads 0 … {queries // d_head - 1}; there is no head {number}.")
    own = slice(number * d_head, (number + 1) * d_head)
    group = number // (queries // keys)
    of_group = slice(group * d_head, (group + 1) * d_head)
    slices: dict[str, Index] = {q: np.s_[:, own]}
    if shared or queries == keys:
        slices |= {k: np.s_[:, of_group], v: np.s_[:, of_group]}
    return component(weights, slices | {o: np.s_[own, :]})


def mask(chosen: Component, weights: Params) -> PyTree[Array]:
    """True where the component moves: the `mask` of a `LocalPosterior`."""
    leaves = {name: np.zeros(jnp.shape(leaf), np.bool_) for name, leaf in names_of(weights).items()}
    for name, index in chosen.entries.items():
        leaves[name][index] = True
    return jax.tree.unflatten(jax.tree.structure(weights), list(leaves.values()))


def _axis(index: Index, shape: tuple[int, ...]) -> Any:
    """(axis, start, stop) of an index that cuts one axis in one piece; None if it takes all; NotImplemented for other indices."""
    given = index if isinstance(index, tuple) else (index,)
    if any(not isinstance(i, slice) and i is not Ellipsis for i in given) or sum(i is Ellipsis for i in given) > 1:
        return NotImplemented
    at = given.index(Ellipsis) if Ellipsis in given else len(given)
    rest = len(shape) - (len(given) - (Ellipsis in given))
    slices = [*given[:at], *[slice(None)] * rest, *given[at + 1 :]]
    ranges = [(axis, *s.indices(n)) for axis, (s, n) in enumerate(zip(slices, shape, strict=True))]
    cut = [r for r, n in zip(ranges, shape, strict=True) if r[1:] != (0, n, 1)]
    if not cut:
        return None
    return cut[0][:3] if len(cut) == 1 and cut[0][3] == 1 else NotImplemented


class Reading(NamedTuple):
    """A function of (weights, example) for a chain on a component: give `chain.run` probes=prepare(examples), probe_loss=loss."""

    loss: Callable[[Any, Any], Array]
    prepare: Callable[[Example], Example]


@dataclass(frozen=True)
class Restricted:
    """A posterior of v ∈ C alone, with what it takes to come and go.

    posterior: sample this; its data are the examples as `prepare` leaves them. prepare: examples (data, probes) → what the
    restricted loss reads. merge: v → all weights. kept: bytes kept for one example.
    """

    posterior: LocalPosterior
    prepare: Callable[[Example], Example]
    merge: Callable[[Mapping[str, Array]], Params]
    kept: int
    component: Component
    centre: Params

    def reading(self, function: Callable[[Any, Any], Array], examples: Example) -> Reading:
        """(w, z) ↦ an array (the losses of a sequence's tokens, say) on this component, split as the loss is."""
        batch = jnp.shape(jax.tree.leaves(examples)[0])[0]
        once, each, _ = _split(function, self.centre, self.component, self.merge, examples, batch)
        return Reading(each, jax.jit(jax.vmap(once)))


def restrict(posterior: LocalPosterior, chosen: Component, *, max_bytes: int = MAX_BYTES) -> Restricted:
    """The posterior of the component, the other weights held at the centre: p(v) ∝ exp(−nβ L_n(u*, v) − (γ/2)|v − v*|²).

    What the loss computes from the example and the frozen weights alone is computed once and kept, unless it takes more
    than `max_bytes` for all examples; then it is computed again at each step. Sampling never alters the model that was
    passed in. Raises `BadInput` where the posterior has a mask already.
    """
    if posterior.mask is not None:
        raise BadInput("restrict chooses the weights that move; give it a posterior without a mask.")
    centre, whole = posterior.centre, posterior.loss

    def merge(v: Mapping[str, Array]) -> Params:
        return chosen.put(centre, v)

    batch = posterior.microbatch or posterior.batch_size or posterior.n
    once, each, kept = _split(whole, centre, chosen, merge, posterior.data, batch)
    if kept * posterior.n > max_bytes:
        # Products kept apart keep more for an example: a row of logits, where a width was enough.
        once, each, kept = _split(whole, centre, chosen, merge, posterior.data, 0)
    reduced: Loss = each
    prepare: Callable[[Example], Example] = jax.jit(jax.vmap(once))
    if kept * posterior.n > max_bytes:
        reduced, prepare, kept = lambda v, example: whole(merge(v), example), _as_they_are, 0
    restricted = LocalPosterior(
        reduced,
        prepare(posterior.data),
        chosen.take(centre),
        posterior.nbeta,
        posterior.gamma,
        batch_size=posterior.batch_size,
        microbatch=posterior.microbatch,
    )
    return Restricted(restricted, prepare, merge, kept, chosen, centre)


def _split(
    function: Callable, centre: Params, chosen: Component, merge: Callable, examples: Example, batch: int
) -> Split:
    """A function of (weights, example) cut into what is done once for each example and what is done at each v."""
    example = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(jnp.shape(leaf)[1:], jnp.result_type(leaf)), examples)
    leaves = list(names_of(centre))
    where = {name: (leaves.index(name), _axis(index, chosen.shapes[name])) for name, index in chosen.entries.items()}
    if all(axis is not NotImplemented for _, axis in where.values()):
        return split(function, centre, where, example, batch=batch)
    # Slices along several axes: the leaf is put together, and counts as moving everywhere.
    start = chosen.take(centre)
    everything = {name: (i, None) for i, name in enumerate(sorted(start))}
    return split(lambda v, example: function(merge(v), example), start, everything, example, batch=batch)


def _as_they_are(examples: Example) -> Example:
    return examples


__all__ = ["Component", "Reading", "Restricted", "component", "head", "mask", "names_of", "restrict"]
