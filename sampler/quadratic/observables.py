"""What is predicted: observables with names, and predictions with the same names.

An `Observable` is a row of scalar functions φ(w, item): the losses ℓ_z of examples z, minus L_n when `centred`; the entries of
any function of the weights; or L_n alone. It is made by `losses` and `function`, or by `losses`, `observable` and `mean_loss` of
`Curvature` and `Iterative`; a restricted posterior (`sampler.components.restrict`) wants its examples prepared.

Reading order: `Observable`, its makers, `Prediction`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree
from numpy.lib.mixins import NDArrayOperatorsMixin

from sampler.posterior import Example, LocalPosterior, as_arrays
from sampler.quadratic.derivatives import Scalars
from theory.errors import BadInput


@dataclass(frozen=True, eq=False)
class Observable:
    """φ(w, item) for each item, minus L_n(w) when `centred`; `dim` names the row and `names` its entries. phi = None: L_n."""

    phi: Scalars | None
    items: PyTree
    names: tuple[str, ...]
    dim: str
    centred: bool = False

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Prediction(NDArrayOperatorsMixin):
    """An exact answer of theory (up to rounding), with the names of its entries. In arithmetic it is the array of its values."""

    values: np.ndarray
    dims: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        plain = (x.values if isinstance(x, Prediction) else x for x in inputs)
        return getattr(ufunc, method)(*plain, **options)

    def __getitem__(self, index: Any) -> Any:
        return self.values[index]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def tolist(self) -> Any:
        return self.values.tolist()

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, ready for JSON, with the keys of `Estimate.to_dict`."""
        return {
            "mean": self.tolist(),
            "dims": list(self.dims),
            "labels": {k: list(v) for k, v in self.labels.items()},
        }


def label(*observables: Observable) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """dims and labels of an answer with one axis for each observable; the first of two like ones is the query."""
    dims = [phi.dim for phi in observables]
    if len(dims) == 2 and dims[0] == dims[1]:
        dims[0] = "query" if dims[1] == "probe" else f"{dims[1]}'"
    return tuple(dims), {dim: phi.names for dim, phi in zip(dims, observables, strict=True)}


def losses(
    posterior: LocalPosterior, examples: Example, *, centred: bool = True, names: Sequence[str] | None = None
) -> Observable:
    """ℓ_z − L_n for each example z, or ℓ_z when not `centred`. Raises `BadInput` for a wrong number of names."""
    items = as_arrays(examples)
    like, found = (jax.tree.map(lambda leaf: leaf.shape[1:], tree) for tree in (posterior.data, items))
    if like != found:
        raise BadInput(
            f"quadratic: examples have the shapes {found} and the data {like}; for a restricted posterior prepare them first."
        )
    count = len(jax.tree.leaves(items)[0])
    return Observable(posterior.loss, items, _names(names, count), "probe", centred)


MEAN_LOSS = Observable(None, (), ("L_n",), "loss")


def function(posterior: LocalPosterior, f: Callable[[Any], Any], *, names: Sequence[str] | None = None) -> Observable:
    """The entries of f(w), any smooth function of the weights with a scalar or array value."""
    shape = jax.eval_shape(f, posterior.centre)
    if not jnp.issubdtype(shape.dtype, jnp.floating):
        raise BadInput(f"quadratic: an observable must have real values; this one has {shape.dtype}.")
    count = int(np.prod(shape.shape))
    return Observable(_entry(f), jnp.arange(count), _names(names, count), "observable")


@lru_cache(maxsize=256)
def _entry(f: Callable[[Any], Any]) -> Scalars:
    """The same function gives back the same entry, so that nothing is compiled again."""
    return lambda params, number: jnp.ravel(f(params))[number]


def _names(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    found = tuple(names) if names is not None else tuple(map(str, range(count)))
    if len(found) != count:
        raise BadInput(f"quadratic: {len(found)} names for {count} observables.")
    return found
