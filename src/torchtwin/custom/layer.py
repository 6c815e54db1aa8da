"""The rule of an author's layer: its translated class is made and called as the config says."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from torchtwin.apply import FREE_LENGTHS, torch_dtype
from torchtwin.custom.arguments import constructor
from torchtwin.custom.definitions import Definition
from torchtwin.custom.library import Library
from torchtwin.custom.slots import weights_of
from torchtwin.errors import TorchTwinError, UnsupportedError
from torchtwin.evaluate import instance, shapes_only
from torchtwin.expr import Call, Expr, Invoke, Method, call, unpack
from torchtwin.filling.lazy import is_torch_lazy, waits_for_a_call
from torchtwin.nn.lazy import called_once
from torchtwin.rule import Piece, Rule
from torchtwin.rule import rules as known_rules
from torchtwin.view import LayerView, Tensor

SHORTEST = (1, 8)
"""Lengths of the batch, and of other axes that are free, in the call that builds a layer."""


def rule_for(library: Library, class_name: str) -> Rule | None:
    """Return the rule of a class that the author's source defines, None where it does not."""
    definition = library.find(class_name)
    if definition is None or not definition.is_class:
        return None
    made = library.refused.get(definition.name) or library.live.get(definition.name)
    if made is None:
        return None
    if isinstance(made, UnsupportedError):
        return Rule(class_name, _refusing(made))
    takes_mask = any(n == "mask" or n.endswith("_mask") for n in _words(made))

    def rule(layer: LayerView) -> Piece:
        return _piece(library, definition, made, layer)

    return Rule(class_name, rule, mask=_masking(library, definition, made), takes_mask=takes_mask)


def _refusing(error: UnsupportedError) -> Any:
    def refuse(_: LayerView) -> Piece:
        raise UnsupportedError(f"{error.problem} ({error.where})", hint=error.hint)

    return refuse


def _words(cls: Any) -> list[str]:
    return list(inspect.signature(cls.forward).parameters)[1:]


def _piece(library: Library, definition: Definition, cls: Any, layer: LayerView) -> Piece:
    made, module, args, kwargs = _made(library, definition, cls, layer)
    layer.ignore(*layer.config, *(f"call:{name}" for name in layer.kwargs))
    try:
        return called(layer, made, module, args, kwargs)
    except Exception as error:
        raise _failed(library, definition, error) from error


def called(
    layer: LayerView, made: Call, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Piece:
    """Return the piece of a module that was built and is called with these arguments."""
    count = _results(module, args, kwargs)
    expr: Any = Invoke(layer.module, _exprs(args), _exprs(kwargs))
    if count:
        expr = unpack(expr, *(f"part_{k}" for k in range(count)))
    weights, untrained = weights_of(module)
    return Piece(expr, made, weights, untrained=untrained, layout=None)


def _made(
    library: Library, definition: Definition, cls: Any, layer: LayerView
) -> tuple[Call, nn.Module, tuple[Any, ...], dict[str, Any]]:
    """Return what makes a layer, the layer on the meta device, and the arguments of its call."""
    made = constructor(library, definition, cls, layer.config)
    args, kwargs = _arguments(cls, layer)
    try:
        made, module = built(made, args, kwargs)
    except Exception as error:
        raise _failed(library, definition, error) from error
    return made, module, args, kwargs


def built(made: Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Call, nn.Module]:
    """Return what makes a module whose weights are there, and that module on the meta device."""
    module = instance(made)
    if any(waits_for_a_call(m) or is_torch_lazy(m) for m in module.modules()):
        made = call(called_once, made, *_examples(args), **dict(_examples(kwargs)))
        module = instance(made)
    return made, module


def _failed(library: Library, definition: Definition, error: Exception) -> TorchTwinError:
    """Return the refusal of a class that does not run: whatever its author's code does."""
    if isinstance(error, TorchTwinError):
        return error
    text = str(error).splitlines()[0] if str(error) else ""
    return UnsupportedError(
        f"{definition.name} ({library.definitions.path.name}, line {definition.first}) does not "
        f"run in PyTorch: {type(error).__name__}: {text}",
    )


def _arguments(cls: Any, layer: LayerView) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call as Tensors; masks where the class takes them.

    keras/src/layers/layer.py, `__call__`, fills the masks of arguments in.
    """
    words = _words(cls)
    args = layer.args or tuple(layer.inputs)
    kwargs = {k: v for k, v in layer.kwargs.items() if k != "training"}
    unknown = [k for k in kwargs if k not in words]
    if unknown:
        raise UnsupportedError(f"the call argument {unknown[0]} is not one of its forward")
    if not any(layer.masks):
        return args, kwargs
    masks = iter(layer.masks)
    named = [*zip(words, args, strict=False), *kwargs.items()]
    given = {name: _masks_of(value, masks) for name, value in named if list(_tensors(value))}
    if len(given) == 1 and "mask" in words:
        kwargs.setdefault("mask", next(iter(given.values())))
    elif len(given) > 1:
        wanted = {f"{name}_mask": mask for name, mask in given.items() if f"{name}_mask" in words}
        kwargs = {**{k: v for k, v in wanted.items() if _said(v)}, **kwargs}
    return args, kwargs


def _said(mask: Any) -> bool:
    return any(_said(m) for m in mask) if isinstance(mask, list | tuple) else mask is not None


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)


def _masks_of(value: Any, masks: Iterator[Any]) -> Any:
    """Return the masks of the tensors in an argument, in its structure."""
    if isinstance(value, Tensor):
        return next(masks, None)
    if isinstance(value, Mapping):
        return {k: _masks_of(v, masks) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_masks_of(v, masks) for v in value]
    return None


def _mapped(value: Any, function: Any) -> Any:
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, Mapping):
        return {k: _mapped(v, function) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_mapped(v, function) for v in value)
    return value


def _exprs(value: Any) -> Any:
    return _mapped(value, lambda tensor: tensor.expr)


def _examples(value: Any) -> Any:
    """Return expressions of zeros with the shapes of the arguments."""

    def zeros(tensor: Tensor) -> Expr:
        lengths = [SHORTEST[k > 0] if n is None else n for k, n in enumerate(tensor.shape)]
        dtype = {} if tensor.dtype == "float32" else {"dtype": torch_dtype(tensor.dtype)}
        make = torch.ones if tensor.dtype == "bool" else torch.zeros
        return call(make, *lengths, **dtype)

    return _mapped(value, zeros)


def _stand_in(tensor: Tensor) -> torch.Tensor:
    free = FREE_LENGTHS[0]
    lengths = [free[k > 0] if n is None else n for k, n in enumerate(tensor.shape)]
    return torch.empty(lengths, dtype=torch_dtype(tensor.dtype), device="meta")


def _results(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Run a call on the meta device; return how many results it gives, 0 for one alone."""

    with shapes_only(), torch.device("meta"):
        result = module(*_mapped(tuple(args), _stand_in), **_mapped(dict(kwargs), _stand_in))
    if torch.is_tensor(result):
        return 0
    if isinstance(result, list | tuple) and all(torch.is_tensor(x) for x in result):
        return len(result)
    raise UnsupportedError("it gives something else than tensors")


# Masks.


def _masking(library: Library, definition: Definition, cls: Any) -> Any:
    """Return what becomes of a mask: keras/src/layers/layer.py, `supports_masking`."""
    if "compute_mask" in {name for base in cls.__mro__ for name in vars(base)}:
        return lambda layer: _computed(library, definition, cls, layer)
    if any(_says_it_supports_masking(d) for d in _with_bases(library, definition)):
        return "pass"
    roots = {b for d in _with_bases(library, definition) for b in _bases(d)}
    return next((r.mask for b in sorted(roots) if (r := known_rules().get(b))), "stop")


def _computed(library: Library, definition: Definition, cls: Any, layer: LayerView) -> Any:
    """Return the piece that calls compute_mask, None where it makes no mask."""
    made, module, args, _ = _made(library, definition, cls, layer)
    takes = len(inspect.signature(cls.compute_mask).parameters) > 2
    given = (args[0], *([_masks_of(args[0], iter(layer.masks))] if takes else []))
    try:
        with shapes_only():
            result = module.compute_mask(*_mapped(given, _stand_in))  # type: ignore[operator]
    except Exception as error:
        raise _failed(library, definition, error) from error
    if result is None:
        return None
    if not torch.is_tensor(result):
        raise UnsupportedError(f"{definition.name}.compute_mask gives several masks")
    return Piece(Method(layer.module, "compute_mask", _exprs(given), {}), made, layout=None)


def _with_bases(library: Library, definition: Definition) -> list[Definition]:
    found, pending = [], [definition]
    while pending:
        current = pending.pop(0)
        if current in found:
            continue
        found.append(current)
        bases = (library.definitions.found.get(b, ()) for b in _bases(current))
        pending += [d for listed in bases for d in listed]
    return found


def _bases(definition: Definition) -> Iterator[str]:
    for base in getattr(definition.node, "bases", ()):
        yield base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")


def _says_it_supports_masking(definition: Definition) -> bool:
    for node in ast.walk(definition.node):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = {getattr(t, "attr", getattr(t, "id", "")) for t in node.targets}
            if names & {"supports_masking", "_supports_masking"} and node.value.value is True:
                return True
    return False
