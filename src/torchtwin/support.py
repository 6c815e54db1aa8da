"""What of Keras is translated: the table of `torchtwin layers`, of docs/layers.md and of its test.

Everything comes from the registries that the conversion itself uses.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torchtwin.refusals import REFUSALS, Refusal, is_tool, refusal

OPERATION, _INTERNAL = "ops.", "steps."
"""How the rules of operations are called, and those that only other rules use."""

_SPATIAL = ("kernel_size", "strides", "dilation_rate", "pool_size", "size", "output_size")
"""Arguments that may be one number for all spatial axes; configs have one for each."""


@dataclass(frozen=True)
class Support:
    """A public name: `file` is where it is translated, "" where it is not.

    `becomes` is the PyTorch of it, `missing` are arguments that no rule reads, `keras` tells
    whether Keras 3 has it, `refused` why it is not translated and what to try.
    """

    module: str
    name: str
    file: str = ""
    becomes: str = ""
    missing: tuple[str, ...] = ()
    cases: int = 0
    keras: bool = True
    refused: Refusal | None = None

    @property
    def supported(self) -> bool:
        return bool(self.file)

    @property
    def status(self) -> str:
        if self.missing:
            return f"without {', '.join(self.missing)}"
        return "supported" if self.supported else "refused" if self.refused else "not yet"


def support() -> list[Support]:
    """Return every layer, operation and part of a training, and what is refused, by module."""
    rows = [*_layers(), *_operations()]
    for module, registry in registries().items():
        rows += [Support(module, name, registry.file) for name in sorted(registry.names)]
    known = {(row.module, row.name) for row in rows}
    for path, why in REFUSALS.items():
        module, _, name = path.rpartition(".")
        if (module, name) not in known and not is_tool(path):
            rows.append(Support(module, name, refused=why))
    return rows


def _layers() -> list[Support]:
    from torchtwin.rule import rules
    from torchtwin.view import defaults

    found = rules()
    names = {*defaults(), *found}
    rows = []
    for name in sorted(n for n in names if not n.startswith((OPERATION, _INTERNAL))):
        why, file = refusal("layers", name), layer_file(name)
        becomes, missing = _seen(name) if name in found else ("", ())
        cases = len(found[name].cases) if name in found else 0
        keras = name in defaults()
        rows.append(Support("layers", name, file, becomes, missing, cases, keras, why))
    return rows


def layer_file(name: str) -> str:
    """Return the file that holds the rule of a class of layers, below src/; "" without one."""
    from torchtwin.graph import MODEL_CLASSES
    from torchtwin.layers.rnn import cells
    from torchtwin.rule import rules

    if name == "InputLayer" or name in MODEL_CLASSES:
        return "torchtwin/build.py"
    if name == "Pipeline":  # the nested model that it is
        return "torchtwin/upgrade/layers.py"
    found = rules().get(name)
    if found is not None:
        return _file(inspect.getmodule(found.function))
    return _file(cells) if name in cells.CELLS else ""


def _file(module: ModuleType | None) -> str:
    assert module is not None
    path = module.__name__.replace(".", "/")
    return f"{path}/__init__.py" if hasattr(module, "__path__") else f"{path}.py"


def _seen(name: str) -> tuple[str, tuple[str, ...]]:
    """Return what the cases of a rule become, and the arguments that it reads in none of them."""
    from torchtwin.emit.expressions import printed
    from torchtwin.errors import TorchTwinError
    from torchtwin.expr import Call
    from torchtwin.rule import rules
    from torchtwin.view import NOT_FORWARD, defaults

    rule = rules()[name]
    found: dict[str, None] = {}
    read: set[str] = set()
    for case in rule.cases:
        try:
            view = _view(name, case, rule)
            piece = rule.function(view)
        except (TorchTwinError, TypeError, ValueError, KeyError, AttributeError, RuntimeError):
            continue  # a case is written as a person does: Keras makes a config of it
        read |= view.read
        if isinstance(piece.module, Call):
            found[printed(piece.module.function)] = None
        elif piece.expr is not None and len(text := _expression(piece.expr)) < 40:
            found.setdefault(text)
    missing = set(defaults().get(name, {})) - read - NOT_FORWARD if read else set()
    return ", ".join(list(found)[:3]), tuple(sorted(missing))


def _expression(expr: Any) -> str:
    from torchtwin.emit.expressions import printed

    try:
        return ", ".join(map(printed, expr if isinstance(expr, tuple) else (expr,)))
    except TypeError:
        return " " * 99


def _view(name: str, case: Any, rule: Any) -> Any:
    """Return the view of a case's layer, with inputs `x`, or `a`, `b` and `c`."""
    from torchtwin.expr import Var
    from torchtwin.view import LayerView, Tensor

    shapes = case.shape if isinstance(case.shape, list) else [case.shape]
    letters = ["x"] if len(shapes) == 1 else [chr(ord("a") + k) for k in range(len(shapes))]
    kinds = ["int32" if kind.startswith("int") else "float32" for kind in case.each(case.inputs)]
    spatial = len(shapes[0]) - (3 if name.startswith("ConvLSTM") else 2)
    config = {
        k: (v,) * spatial if k in _SPATIAL and isinstance(v, int) else v
        for k, v in case.config.items()
    }
    tensors = []
    for letter, shape, kind in zip(letters, shapes, kinds, strict=True):
        wanted = rule.wanted(config, len(shape))
        layout = wanted if isinstance(wanted, tuple) else None
        tensors.append(Tensor(Var(letter), (None, *shape[1:]), kind, layout))
    return LayerView(name, config, tensors, args=(tensors,), kwargs=case.call)


def _operations() -> list[Support]:
    """Return the functions of keras.ops and keras.random."""
    from torchtwin.ops.functions import is_known
    from torchtwin.ops.signatures import functions

    rows = []
    for module in ("ops", "random"):
        start = f"keras.{module}."
        for path in sorted(p for p in functions()["functions"] if p.startswith(start)):
            name = path.removeprefix(start)
            why = refusal(module, name)
            file, cases = operation_file(path) if is_known(path) and why is None else ("", 0)
            rows.append(Support(module, name, file, cases=cases, refused=why))
    return rows


def operation_file(path: str) -> tuple[str, int]:
    """Return where the operation of a function is, and how many cases it has."""
    from torchtwin.ops import functions, registry
    from torchtwin.ops.signatures import own_name

    own = functions.today(own_name(path))
    if own in functions.NAMED:
        return _file(inspect.getmodule(functions.NAMED[own])), 0
    row = functions.row_of(own)
    assert row is not None
    operation = registry.load_operations()[row.operation]
    return _file(inspect.getmodule(operation.function)), len(operation.cases)


@dataclass(frozen=True)
class Registry:
    """The names of one of Keras's modules that are translated, and the file that knows them."""

    names: frozenset[str]
    file: str


@functools.cache
def registries() -> Mapping[str, Registry]:
    """Return what is known of Keras's modules beside layers and operations."""
    from torchtwin import activations
    from torchtwin.training import (
        callbacks,
        constraints,
        initializers,
        losses,
        regularizers,
        schedules,
    )
    from torchtwin.training.metrics import classes, functions
    from torchtwin.training.optimizers import decide
    from torchtwin.training.parsing import signatures

    optimizers = [n for n in signatures()["optimizers"] if decide.is_known(n)]

    def registry(module: Any, *tables: Iterable[str]) -> Registry:
        return Registry(frozenset(name for table in tables for name in table), _file(module))

    return {
        "activations": registry(activations, activations.ACTIVATIONS, activations.ALONG_AXIS),
        "initializers": registry(initializers, initializers.ARGUMENTS),
        "regularizers": registry(regularizers, regularizers.ARGUMENTS),
        "constraints": registry(constraints, constraints.ARGUMENTS),
        "losses": registry(losses, losses.CLASSES, losses.FUNCTIONS),
        "metrics": registry(
            functions, functions.MEANS, functions.FUNCTIONS, classes.CLASSES, ["MeanMetricWrapper"]
        ),
        "optimizers": registry(decide, optimizers),
        "optimizers.schedules": registry(schedules, schedules.RULES),
        "callbacks": registry(callbacks, callbacks.PARTS),
    }
