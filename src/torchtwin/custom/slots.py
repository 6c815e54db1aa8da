"""Which variables of Keras fill an author's layer, in notation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from torch import nn

from torchtwin.binding import Part, Variable
from torchtwin.emit.expressions import OWN
from torchtwin.errors import UnsupportedError
from torchtwin.filling.order import Slot, Walk
from torchtwin.notation import Notation


def weights_of(module: nn.Module) -> tuple[dict[str, Notation], tuple[str, ...]]:
    """Return the notation of every parameter of a module that was called, in Keras's order of
    variables, and the variables that training does not change."""
    walk = Walk(called=True)
    slots = list(walk.slots(module))
    names = dict(zip(map(id, slots), variable_names(slots), strict=True))
    tensors: dict[int, Notation] = {}
    for slot in slots:
        for fill in slot.fills:
            notation = fill.notations[0]
            tensors[id(fill.tensor)] = _named(notation, names[id(slot)])
    for fill, constant in walk.constants:
        tensors[id(fill.tensor)] = Notation(constant)
    state = module.state_dict(keep_vars=True)
    order = {key: k for k, key in enumerate(tensors)}
    found = {name: tensors[id(t)] for name, t in state.items() if id(t) in tensors}
    ranks = {name: order[id(state[name])] for name in found}
    weights = {name: found[name] for name in sorted(found, key=lambda name: ranks[name])}
    return weights, tuple(names[id(slot)] for slot in slots if not slot.trained)


def part_of(module: nn.Module) -> Part:
    """Return the parts of a layer with their variables."""
    slots = list(Walk(called=True).slots(module))
    owned: dict[str, list[Variable]] = {}
    for slot, name in zip(slots, variable_names(slots), strict=True):
        first, *others = [tuple(n or 0 for n in shape) for shape in slot.shapes]
        variable = Variable(name, first, slot.trained, tuple(others), named=False)
        owned.setdefault(slot.path, []).append(variable)
    return _part("", module, "", owned)


def _part(name: str, module: nn.Module, path: str, owned: dict[str, list[Variable]]) -> Part:
    below = f"{path}." if path else ""
    parts = [_part(n, m, f"{below}{n}", owned) for n, m in module.named_children()]
    kind = type(module).__name__ if type(module).__module__ == OWN else ""
    listed = isinstance(module, nn.ModuleList | nn.ModuleDict)
    return Part(name, kind, listed, tuple(owned.get(path, ())), tuple(parts))


def variable_names(slots: list[Slot]) -> Iterator[str]:
    """Yield a name for each variable, unique in the layer: "blocks/0/kernel"."""
    seen: Counter[str] = Counter()
    for slot in slots:
        path = "/".join([*slot.path.split("."), slot.under]) if slot.path else slot.under
        name = re.sub(r"[^\w/]", "_", path)
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}_{seen[name]}"


def _named(notation: Notation, variable: str) -> Notation:
    text = str(notation)
    head, colon, rest = text.partition(":")
    row = re.search(r"\[\d+\]", head)
    if not colon and notation.row is None and not re.fullmatch(r"[\w/]+", text.strip()):
        raise UnsupportedError(f"the notation {text}")
    return Notation(f"{variable}{row[0] if row else ''}{colon}{rest}", notation.sizes)
