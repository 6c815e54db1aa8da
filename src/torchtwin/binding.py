"""Maps stored arrays onto the variables that the model's layers have.

Never guesses: arrays that no variable takes, variables without an array and shapes that differ
are collected and refused in one error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from torchtwin.errors import UnreadableModel
from torchtwin.source import Array, Source, Tree

MOST_LISTED = 6


@dataclass(frozen=True)
class Variable:
    """A variable that a layer has; `path` is its place inside the layer: "cell/kernel".

    `shape` is Keras's; `others` are further ones that it may have. `trainable` is False for
    moving averages and the like. A variable of an author's layer is not `named`: Keras knows it
    by a name that the layer chose.
    """

    path: str
    shape: tuple[int, ...]
    trainable: bool = True
    others: tuple[tuple[int, ...], ...] = ()
    named: bool = True

    @property
    def leaf(self) -> str:
        return self.path.rpartition("/")[2] if self.named else ""

    def fits(self, shape: tuple[int, ...]) -> bool:
        return shape == self.shape or shape in self.others


@dataclass(frozen=True)
class Part:
    """A module inside an author's layer: its attribute and the variables it has.

    `kind` is the author's class, "" for others; `listed` tells a list or dict of modules.
    """

    name: str
    kind: str = ""
    listed: bool = False
    variables: tuple[Variable, ...] = ()
    parts: tuple[Part, ...] = ()

    def under(self, name: str) -> Part:
        """Return the part as what a wrapper holds by this name."""
        variables = tuple(replace(v, path=f"{name}/{v.path}") for v in self.variables)
        parts = tuple(replace(p.under(name), name=p.name) for p in self.parts)
        return replace(self, name=name, variables=variables, parts=parts)

    def walk(self) -> Iterator[Variable]:
        """Yield all variables, in Keras's order."""
        yield from self.variables
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True)
class Holder:
    """A layer, or nested model, that may hold variables.

    `variables` are its own, in Keras's order of creation; `children` the layers of a nested
    model, in config order, InputLayers included. `under` is where a Tree keeps the children,
    "layer/layers" for a model inside TimeDistributed. `own` are the parts of an author's layer.
    """

    name: str
    class_name: str
    trainable: bool
    variables: tuple[Variable, ...] = ()
    children: tuple[Holder, ...] = ()
    under: str = "layers"
    own: Part | None = None

    def holds(self) -> bool:
        """Tell whether any variable is in here."""
        return bool(self.variables) or any(child.holds() for child in self.children)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Holder]]:
        """Yield this holder and all below it, with the keys of their variables' owner."""
        key = f"{prefix}{self.name}"
        yield key, self
        for child in self.children:
            yield from child.walk(f"{key}/")


class Binding:
    """What has been bound so far, and what does not fit."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.problems: list[str] = []

    def put(self, key: str, variable: Variable, array: Array) -> None:
        """Bind one variable, if the shapes agree."""
        if variable.fits(array.shape):
            self.arrays[key] = array
        else:
            self.problems.append(
                f"'{key}' has the shape {variable.shape} in the model and {array.shape} in the "
                f"file ('{array.name}'{self._odd(array)})"
            )

    @staticmethod
    def _odd(array: Array) -> str:
        """Name a dtype that no weight has."""
        return "" if array.dtype.isalnum() else f", of the dtype {array.dtype}: no numbers"

    def missing(self, key: str, variable: Variable) -> None:
        self.problems.append(f"'{key}' of the shape {variable.shape} is missing in the file")

    def unused(self, array: Array, name: str = "") -> None:
        where = f"the file's '{name or array.name}' {array.shape}"
        self.problems.append(f"{where} belongs to no layer of the model")


def _twofold(holders: Sequence[Holder]) -> Iterator[str]:
    """Yield the variables whose key another one has: Keras 2 let a layer be called "a/b"."""
    walked = (pair for holder in holders for pair in holder.walk())
    keys = Counter(f"{key}/{v.path}" for key, holder in walked for v in holder.variables)
    for key, count in keys.items():
        if count > 1:
            yield f"the model has {count} variables '{key}'"


def bind(holders: Sequence[Holder], source: Source) -> dict[str, Array]:
    """Return the stored array of every variable, by "<layer>/<variable path>".

    A nested model's are "<outer>/<inner>/<variable path>". Raises UnreadableModel that lists
    whatever does not fit.
    """
    from torchtwin.bind_ordered import bind_ordered
    from torchtwin.bind_tree import bind_tree

    weights = source.weights
    if weights is None:
        raise UnreadableModel(
            "the file holds an architecture without weights",
            where=str(source.origin or ""),
            hint="give the file with its weights as --weights",
        )
    binding = Binding()
    binding.problems += _twofold(holders)
    if isinstance(weights, Tree):
        bind_tree(holders, weights, binding)
    else:
        bind_ordered(holders, weights, binding)
    if binding.problems:
        shown = "; ".join(binding.problems[:MOST_LISTED])
        more = len(binding.problems) - MOST_LISTED
        raise UnreadableModel(
            f"the weights do not fit the model: {shown}" + (f"; and {more} more" * (more > 0)),
            where=str(source.origin or ""),
            hint="check that weights and architecture belong together",
        )
    return binding.arrays
