"""The parameters and buffers of a program beside the Keras variables that they hold.

Each comes with what its layer says about the variable: initializer, regularizer, constraint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from torchtwin.emit.expressions import Printer, qualified
from torchtwin.emit.helpers import is_own
from torchtwin.evaluate import instance
from torchtwin.expr import Expr, Field, Item, Var
from torchtwin.notation import Notation
from torchtwin.program import Class, Submodule
from torchtwin.training.owner import owner
from torchtwin.upgrade.values import named_object

KEYS = {"recurrent_kernel": "recurrent", "depthwise_kernel": "depthwise",
        "pointwise_kernel": "pointwise"}  # fmt: skip
"""What the arguments for a variable are called where they have not the variable's own name."""

EXCEPTIONS = {
    ("DepthwiseConv1D", "kernel"): "depthwise",
    ("DepthwiseConv2D", "kernel"): "depthwise",
}
"""The same, for single layers (keras/src/layers/convolutional/base_depthwise_conv.py)."""


@dataclass(frozen=True)
class Weight:
    """A parameter or buffer of the program, and the variable of which it is the whole or a row.

    `path` is its name in `state_dict`, `name` that within its submodule. `class_name` and `config`
    are those of the innermost Keras layer that has the variable. `trainable` is True where
    training changes it.
    """

    path: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    notation: Notation
    keras_shape: tuple[int, ...]
    class_name: str
    config: Mapping[str, Any]
    trainable: bool
    where: str

    @property
    def variable(self) -> str:
        """The Keras variable's own name: "kernel"."""
        return self.notation.variable.rpartition("/")[2]

    @property
    def key(self) -> str:
        """What the layer's arguments for the variable begin with: "kernel" or "recurrent"."""
        known = EXCEPTIONS.get((self.class_name, self.variable))
        return known or KEYS.get(self.variable, self.variable)

    def entry(self, kind: str) -> Any:
        """Return the layer's argument "initializer", "regularizer" or "constraint", or None."""
        return self.config.get(f"{self.key}_{kind}")

    def of(self, module: Expr) -> Expr:
        """Return the expression of this weight, of the whole module."""
        return access(module, self.path)


@dataclass(frozen=True)
class Written:
    """The text of a function of train.py, and the functions of `parts` that it needs."""

    source: str
    parts: tuple[Any, ...] = ()


def access(module: Expr, path: str) -> Expr:
    """Return `module.layers[0].weight` for the path "layers.0.weight"."""
    for name in path.split("."):
        module = Item(module, int(name)) if name.isdigit() else Field(module, name)
    return module


def weights_of(program: Class, prefix: str = "", trainable: bool = True) -> Iterator[Weight]:
    """Yield everything in a program that a Keras variable fills, nested classes included."""
    for sub in program.submodules:
        own = trainable and "" not in sub.frozen
        if isinstance(sub.constructor, Class):
            yield from weights_of(sub.constructor, f"{prefix}{sub.attribute}.", own)
        elif sub.weights:
            yield from submodule_weights(sub, prefix, own)


def submodule_weights(
    sub: Submodule, prefix: str = "", trainable: bool = True, module: Any = None
) -> Iterator[Weight]:
    """Yield what Keras variables fill in one submodule, in Keras's order of variables.

    `module` is the submodule on the meta device, where it is made already.
    """
    module = module or instance(sub.constructor)
    state, parameters = module.state_dict(), dict(module.named_parameters())
    rows: dict[str, int] = {}
    own = is_own(sub.constructor)
    for notation in sub.weights.values():
        if notation.row is not None:
            rows[notation.variable] = max(rows.get(notation.variable, 0), notation.row + 1)
    for name, notation in sub.weights.items():
        if notation.constant:
            continue
        shape, variable = tuple(state[name].shape), notation.variable
        class_name, config, inner = owner(sub.class_name, sub.config, variable)
        if own:
            config = {}  # what it says of its weights is in its code
        yield Weight(
            f"{prefix}{sub.attribute}.{name}", name, shape,
            str(state[name].dtype).removeprefix("torch."), notation,
            notation.keras_shape(shape, rows.get(variable)), class_name, config,
            trainable and inner and name in parameters and name not in sub.frozen
            and variable not in sub.untrained,
            f"{sub.layer} ({sub.class_name})",
        )  # fmt: skip


def described(entry: Any) -> tuple[str, Mapping[str, Any]] | None:
    """Return the class and arguments of an initializer, regularizer or constraint.

    None where there is none. What is not Keras's own has its author's name.
    """
    entry = named_object(entry)
    if entry is None:
        return None
    if not isinstance(entry, Mapping):
        return str(entry), {}
    config = entry.get("config")
    name = str(entry.get("registered_name") or entry["class_name"])
    return name, config if isinstance(config, Mapping) else {}


class Universe:
    """All modules of a program, to tell what a loop over `module.modules()` meets."""

    def __init__(self, program: Class) -> None:
        self.modules: dict[str, type] = {}
        self._add(program, "")

    def _add(self, program: Class, prefix: str) -> None:
        for sub in program.submodules:
            path = f"{prefix}{sub.attribute}"
            if isinstance(sub.constructor, Class):
                self._add(sub.constructor, f"{path}.")
            elif sub.weights:
                for name, module in instance(sub.constructor).named_modules():
                    self.modules[f"{path}.{name}" if name else path] = type(module)

    def exactly(self, paths: Sequence[str]) -> tuple[tuple[type, ...], str] | None:
        """Return the classes, and the parameter's name, of which `paths` are all there are."""
        names = {path.rpartition(".")[2] for path in paths}
        owners = {path.rpartition(".")[0] for path in paths}
        found = {torch_class(self.modules[owner]) for owner in owners}
        if len(names) > 1 or None in found:
            return None
        kinds = tuple(sorted((k for k in found if k), key=lambda k: k.__name__))
        if {path for path, kind in self.modules.items() if issubclass(kind, kinds)} != owners:
            return None
        return kinds, names.pop()


def torch_class(kind: type) -> type | None:
    """Return the class of torch.nn that a module is, or None where it is no other's."""
    for base in kind.__mro__:
        if (
            base.__module__.startswith("torch.nn.modules.")
            and getattr(nn, base.__name__, 0) is base
        ):
            return None if base is nn.Module else base
    return None


MOST_NAMED = 6
"""More weights than these are found by the class of their modules, where that finds them all."""


def loop(weights: Sequence[Weight], universe: Universe) -> tuple[list[str], Expr]:
    """Return the head of a loop over `weights`, none for one, and the expression of each in it."""
    module = Var("module")
    if len(weights) == 1:
        return [], weights[0].of(module)
    found = universe.exactly([w.path for w in weights]) if len(weights) > MOST_NAMED else None
    if found is not None:
        kinds, name = found
        names = [qualified(kind) for kind in kinds]
        listed = names[0] if len(names) == 1 else f"({', '.join(names)})"
        lines = ["for layer in module.modules():", f"    if isinstance(layer, {listed}):"]
        return lines, Field(Var("layer"), name)
    listed = ", ".join(printed(w.of(module)) for w in weights)
    return [f"for weight in ({listed}):"], Var("weight")


def _no_name(_: Any) -> str:
    raise AssertionError("neither a class nor a part of a tuple")


printed = Printer(lambda value: value, _no_name, _no_name)
"""Prints expressions in which a Var is a name of the program."""
