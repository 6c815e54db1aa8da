"""Binds weights kept as a tree of paths, as Keras 3 and the `.keras` archives of Keras 2 do.

A path names a layer by its class and a number, "layers/dense_1/vars/0", not by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torchtwin.binding import Binding, Holder, Variable
from torchtwin.names import snake
from torchtwin.source import Array, Tree

CONTAINERS = ("layers", "_layer_checkpoint_dependencies", "_functional/layers", "_layers",
              "_pipeline_layers")  # fmt: skip
"""Where writers of different versions put a model's layers."""

NOISE = re.compile(
    r"(^|/)(optimizer|_?metrics|compile_metrics|_compile_metrics|loss_tracker|_loss_tracker)/"
    r"|(^|/)_lookup_layer/"  # what a TextVectorization holds itself, once more
    r"|seed_generator|random_generator|(^|/)_?generator/"
)
"""Paths of what is no weight of a layer."""

SAME_GROUP = {
    "Functional": ("functional", "model"),
    "Sequential": ("sequential", "model", "pipeline"),
}


@dataclass
class Shelf:
    """A group of the tree: arrays by their last name, and groups within.

    Where the tree is `named`, layers and variables are known by their names, not by numbers.
    """

    path: str = ""
    named: bool = False
    arrays: dict[str, Array] = field(default_factory=dict)
    inner: dict[str, Shelf] = field(default_factory=dict)

    def at(self, path: str) -> Shelf | None:
        """Return the group at `path`; a name may be private, or public, to the writer."""
        shelf: Shelf | None = self
        for part in path.split("/") if path else ():
            assert shelf is not None
            shelf = shelf.inner.get(part) or shelf.inner.get(
                part.removeprefix("_") if part.startswith("_") else f"_{part}"
            )
            if shelf is None:
                return None
        return shelf

    def full(self) -> bool:
        return bool(self.arrays) or any(shelf.full() for shelf in self.inner.values())


def bind_tree(holders: Sequence[Holder], tree: Tree, binding: Binding) -> None:
    """Find each layer's group by class and number, and its variables by their numbers in it."""
    stored = {key: array for key, array in tree.arrays.items() if not NOISE.search(key)}
    root = _shelved(stored, tree.named)
    used: set[str] = set()
    full = [holder for holder in holders if holder.holds()]
    container = container_of(root, "layers")
    alone = len(full) == 1 and full[0].own is not None
    if alone and not (container and _numbered(container, full[0].class_name)):
        _bind_holder(full[0], root, "", binding, used)  # a model that is its author's class
        for key in stored.keys() - used:
            binding.unused(stored[key], key)
        return
    _bind_layers(holders, container, "", binding, used)
    counts = _counts(holders)
    for key, array in stored.items():
        if key not in used and not counts.search(key):
            binding.unused(array, key)


def _shelved(stored: Mapping[str, Array], named: bool) -> Shelf:
    root = Shelf(named=named)
    for key, array in stored.items():
        *parts, last = key.split("/")
        shelf = root
        for part in parts:
            path = f"{shelf.path}/{part}" if shelf.path else part
            shelf = shelf.inner.setdefault(part, Shelf(path, named))
        shelf.arrays[last] = array
    return root


def _counts(holders: Sequence[Holder]) -> re.Pattern[str]:
    """Return a pattern for the counter of samples that Normalization keeps."""
    adapts = any(h.class_name == "Normalization" for top in holders for _, h in top.walk())
    return re.compile(r"(^|/)normalization(_\d+)?/vars/2$" if adapts else r"(?!)")


def _bind_layers(
    holders: Sequence[Holder],
    container: Shelf | None,
    prefix: str,
    binding: Binding,
    used: set[str],
) -> None:
    """Bind the layers of one model, whose groups are in `container`."""
    places = _paired(holders, container) if container else {}
    for k, holder in enumerate(holders):
        if holder.holds():
            _bind_holder(holder, places.get(k) or Shelf(), prefix, binding, used)


def container_of(shelf: Shelf, under: str) -> Shelf | None:
    """Return the group that holds the layers, under whichever name."""
    outer, _, last = under.rpartition("/")
    if outer:
        found = shelf.at(outer)
        if found is None:
            return None
        shelf = found
    names = CONTAINERS if last == "layers" else (last,)
    return next((c for name in names if (c := shelf.at(name)) and c.full()), None)


def _paired(holders: Sequence[Holder], container: Shelf) -> dict[int, Shelf]:
    """Return the group of each holder that has variables, by its place in `holders`.

    Groups are numbered by class. Some writers skipped numbers, so where the numbers do not fit
    but the count does, the order decides.
    """
    if container.named:
        names = {k: Tree.group(holder.name) for k, holder in enumerate(holders)}
        return {k: container.inner[n] for k, n in names.items() if n in container.inner}
    by_class: dict[str, list[int]] = {}
    for k, holder in enumerate(holders):
        by_class.setdefault(holder.class_name, []).append(k)
    pairs: dict[int, Shelf] = {}
    for class_name, places in by_class.items():
        wanted = [k for k in places if holders[k].holds()]
        stored = _numbered(container, class_name)
        full = [number for number, shelf in stored.items() if shelf.full()]
        exact = [number for number, k in enumerate(places) if holders[k].holds()]
        if exact != full and len(full) == len(exact):
            exact = full
        pairs |= {k: stored[n] for k, n in zip(wanted, exact, strict=True) if n in stored}
    return pairs


def _numbered(container: Shelf, class_name: str) -> dict[int, Shelf]:
    """Return the groups of one class by their numbers, in order."""
    for name in SAME_GROUP.get(class_name, (snake(class_name),)):
        pattern = re.compile(rf"{re.escape(name)}(?:_(\d+))?")
        found = {
            int(match[1] or 0): shelf
            for key, shelf in container.inner.items()
            if (match := pattern.fullmatch(key))
        }
        if found:
            return dict(sorted(found.items()))
    return {}


def _bind_holder(
    holder: Holder, shelf: Shelf, prefix: str, binding: Binding, used: set[str]
) -> None:
    key = f"{prefix}{holder.name}"
    if holder.own is not None:
        from torchtwin.bind_own import bind_own  # which reads shelves

        bind_own(holder.own, shelf, key, binding, used)
        return
    for parent, variables in _by_parent(holder.variables):
        group = shelf.at(f"{parent}/vars" if parent else "vars") or Shelf()
        twice = holder.class_name == "SpectralNormalization" and not parent
        if twice:  # the kernel of the layer inside comes first, once more
            used.add(f"{group.path}/0")
        for variable, stored in zip(variables, _stored(variables, group, int(twice)), strict=True):
            array = group.arrays.get(stored)
            if array is None:
                binding.missing(f"{key}/{variable.path}", variable)
                continue
            used.add(f"{group.path}/{stored}")
            binding.put(f"{key}/{variable.path}", variable, array)
    if holder.children:
        inner = container_of(shelf, holder.under)
        _bind_layers(holder.children, inner, f"{key}/", binding, used)


def _stored(variables: Sequence[Variable], group: Shelf, first: int) -> list[str]:
    """Return the names of a layer's variables in its group, whose numbers start at `first`.

    One that is called otherwise today, as a DepthwiseConv2D's kernel is, may be the one left.
    """
    names = [variable.path.rpartition("/")[2] for variable in variables]
    names = [str(k) if str(k) in group.arrays else name for k, name in enumerate(names, first)]
    missing = [k for k, name in enumerate(names) if name not in group.arrays]
    left = [name for name in group.arrays if name not in names]
    if group.named and len(missing) == len(left) == 1:
        names[missing[0]] = left[0]
    return names


def _by_parent(variables: Sequence[Variable]) -> Iterator[tuple[str, list[Variable]]]:
    """Yield the variables by the part of the layer that has them, in the order it stores them."""
    parents: dict[str, list[Variable]] = {}
    for variable in variables:
        parents.setdefault(variable.path.rpartition("/")[0], []).append(variable)
    for parent, own in parents.items():
        # Layers with a kernel or a table store these first, trained or not (LoRA, quantized).
        listed = any(v.leaf in ("kernel", "quantized_kernel", "embeddings") for v in own)
        yield parent, own if listed else sorted(own, key=lambda v: not v.trainable)
