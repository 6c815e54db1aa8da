"""Binds the weights of an author's layer, which a tree keeps by the names of its attributes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torchtwin.bind_tree import Shelf, container_of
from torchtwin.binding import Binding, Part, Variable
from torchtwin.names import snake
from torchtwin.source import Array

Found = tuple[Variable, str, Array]
"""A variable, the key of its array, and the array."""


def bind_own(part: Part, shelf: Shelf, key: str, binding: Binding, used: set[str]) -> None:
    """Bind the variables of one layer, whose groups are in `shelf`.

    What attributes do not tell, shapes do, where one array alone has the shape of a variable.
    """
    found = {v.path: (name, array) for v, name, array in _pairs(part, shelf)}
    taken = {name for name, _ in found.values()}
    rest = [(name, a) for name, a in _arrays(shelf) if name not in taken]
    missing = [v for v in part.walk() if v.path not in found]
    for variable in missing:
        alike = [entry for entry in rest if variable.fits(entry[1].shape)]
        rivals = [v for v in missing if any(v.fits(a.shape) for _, a in alike)]
        if len(alike) == 1 and len(rivals) == 1:
            found[variable.path] = alike[0]
    for variable in part.walk():
        if variable.path not in found:
            binding.missing(f"{key}/{variable.path}", variable)
            continue
        name, array = found[variable.path]
        used.add(name)
        binding.put(f"{key}/{variable.path}", variable, array)


def _arrays(shelf: Shelf) -> Iterator[tuple[str, Array]]:
    for name, array in shelf.arrays.items():
        yield f"{shelf.path}/{name}", array
    for inner in shelf.inner.values():
        yield from _arrays(inner)


def _pairs(part: Part, shelf: Shelf) -> Iterator[Found]:
    """Yield the variables of a part whose place is known from names and numbers."""
    direct = shelf.inner.get("vars")
    if part.variables and direct is not None:
        yield from _numbered(part.variables, direct)
    elif part.variables:
        yield from _grouped(part.variables, shelf)
    filled = [p for p in part.parts if any(True for _ in p.walk())]
    named = {p.name: _place(part, p.name, shelf) for p in filled}
    layers = container_of(shelf, "layers")
    if part.listed:
        yield from _listed(filled, shelf)
    elif layers is not None and filled and not any(named.values()):
        yield from _listed(filled, layers)
    elif len(filled) == 1 and not part.variables and named[filled[0].name] is None:
        yield from _pairs(filled[0], shelf)  # a layer of Keras that two modules make
    else:
        for inner in filled:
            if (place := named[inner.name]) is not None:
                yield from _pairs(inner, place)
        if layers is not None:  # a model's attributes behind "layers", in the order of letters
            yield from _listed([p for p in filled if named[p.name] is None], layers)


def _place(part: Part, name: str, shelf: Shelf) -> Shelf | None:
    """Return the group of a part; Keras's attention has `_query_dense` for our `query`."""
    found = shelf.at(name)
    return shelf.at(f"{name}_dense") if found is None and not part.kind else found


def _numbered(variables: Sequence[Variable], group: Shelf) -> Iterator[Found]:
    """Pair by number; keras/src/layers/layer.py, save_own_variables, has the trained ones first."""
    order = sorted(variables, key=lambda v: not v.trainable)
    for number, variable in enumerate(order):
        for name in (str(number), variable.path.rpartition("/")[2]):
            if name in group.arrays:
                yield variable, f"{group.path}/{name}", group.arrays[name]
                break


def _grouped(variables: Sequence[Variable], shelf: Shelf) -> Iterator[Found]:
    """Pair the variables of a layer of Keras that has parts of its own, such as a cell."""
    groups = [group for group in _shelves(shelf) if group.arrays]
    if len(groups) == 1:
        yield from _numbered(variables, groups[0])
        return
    parents: dict[str, list[Variable]] = {}
    for variable in variables:
        parents.setdefault(variable.path.rpartition("/")[0].rpartition("/")[2], []).append(variable)
    for parent, own in parents.items():
        fitting = [g for g in groups if parent in (p.lstrip("_") for p in g.path.split("/"))]
        if len(fitting) == 1:
            yield from _numbered(own, fitting[0])


def _shelves(shelf: Shelf) -> Iterator[Shelf]:
    yield shelf
    for inner in shelf.inner.values():
        yield from _shelves(inner)


def _listed(parts: Sequence[Part], container: Shelf) -> Iterator[Found]:
    """Pair the members of a list, whose groups are numbered by class: dense, dense_1, conv2d."""
    groups: dict[str, list[Shelf]] = {}
    for name, shelf in sorted(container.inner.items(), key=lambda item: _number(item[0])):
        if shelf.full():
            groups.setdefault(_family(name), []).append(shelf)
    rest = list(parts)
    for kind in dict.fromkeys(snake(p.kind) for p in parts if p.kind):
        own = [p for p in rest if p.kind and snake(p.kind) == kind]
        if len(own) == len(groups.get(kind, ())):
            for part, shelf in zip(own, groups.pop(kind), strict=True):
                yield from _pairs(part, shelf)
            rest = [p for p in rest if p not in own]
    for family, shelves in groups.items():
        shapes = [sorted(a.shape for _, a in _arrays(shelf)) for shelf in shelves]
        fitting = [p for p in rest if _shapes(p) in shapes]
        others = [f for f, s in groups.items() if f != family and _same(s, shapes)]
        if len(fitting) == len(shelves) and not others:
            for part, shelf in zip(fitting, shelves, strict=True):
                yield from _pairs(part, shelf)


def _same(shelves: Sequence[Shelf], shapes: list[list[tuple[int, ...]]]) -> bool:
    return any(sorted(a.shape for _, a in _arrays(shelf)) in shapes for shelf in shelves)


def _shapes(part: Part) -> list[tuple[int, ...]]:
    return sorted(v.shape for v in part.walk())


def _number(name: str) -> int:
    last = name.rpartition("_")[2]
    return int(last) if last.isdigit() else 0


def _family(name: str) -> str:
    head, _, last = name.rpartition("_")
    return head if last.isdigit() and head else name
