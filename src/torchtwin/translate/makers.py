"""Classes of layers and initialisers that a program gives as values: `norm=LayerNormalization`.

They are called with Keras's arguments. Where no class of ours takes those, a lambda does that has
the arguments of the calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst
import libcst.matchers as m

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source
from torchtwin.translate.builtin import base_class, general
from torchtwin.translate.initial import initial_function
from torchtwin.translate.program import Program
from torchtwin.translate.references import reference
from torchtwin.translate.registry import constructor_of
from torchtwin.translate.resolve import BASE, constructed, layer
from torchtwin.translate.search import findall
from torchtwin.translate.values import arguments_of
from torchtwin.view import LayerView

ALONE = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "Flatten")
"""Layers that are always one module, of a class that no other layer has."""


def default(program: Program, name: str, parameter: str, function: cst.CSTNode) -> Expr | None:
    """Return what the default of a function's parameter is: a class of layers too."""
    if name.startswith("keras.initializers."):
        return initial_function(name.rpartition(".")[2])  # type: ignore[no-any-return]
    if not _is_layer(name):
        return reference(program, name)
    calls = calls_of(parameter, function)
    if general(name) is None and len(calls) != uses_of(parameter, function):
        raise UnsupportedError(
            f"how the class {name} is called is not seen here",
            hint=f"call {parameter} in the function itself",
        )
    return _maker(program, name, calls)


def value(program: Program, name: str, given: cst.CSTNode | None, to: Any) -> Expr | None:
    """Return what a name is that is not called, where it may be `given` `to` a call."""
    if not _is_layer(name):
        return reference(program, name)
    calls = []
    if isinstance(given, cst.Arg) and isinstance(to, cst.Call):
        parameter = _parameter(program, given, to)
        calls = calls_of(parameter, program.module) if parameter else []
    return _maker(program, name, calls)


def partial(program: Program, original: cst.Call, updated: cst.Call) -> Expr | None:
    """Return what makes layers of a class with some options: `partial(LayerNormalization, ...)`.

    A class that takes Keras's options stays in the call; None is returned for it.
    """
    name = program.names.of(original.args[0].value) if original.args else None
    if name is None or not _is_layer(name) or general(name) is not None:
        return None
    options = [call.with_changes(args=call.args[1:]) for call in (original, updated)]
    made = layer(program, name.rpartition(".")[2], *options)
    return None if made is None else Source(f"lambda: {program.text(made)}", -1)


def _parameter(program: Program, arg: cst.Arg, call: cst.Call) -> str:
    """Return the parameter that an argument is for, "" where that is not seen."""
    if arg.keyword is not None:
        return arg.keyword.value
    place = next(k for k, each in enumerate(call.args) if each is arg)
    for each in program.module.body:
        if isinstance(each, cst.FunctionDef) and m.matches(call.func, m.Name(each.name.value)):
            parameters = each.params.params
            return parameters[place].name.value if place < len(parameters) else ""
    return ""


def asked_for(program: Program, name: str) -> Expr:
    """Return the class that a module is compared with: `isinstance(layer, BatchNormalization)`.

    Layers with an activation, or that want the channels first, are parts of other modules here.
    """
    if name.rpartition(".")[2] not in ALONE:
        raise UnsupportedError(f"{name} is not translated here")
    cls = base_class(name)
    own = cls.__module__.startswith("torchtwin.")
    return Source(program.name_of(cls) if own else f"nn.{cls.__name__}")


def calls_of(name: str, within: cst.CSTNode) -> list[cst.Call]:
    found: Any = findall(within, m.Call(func=m.Name(name)))
    return list(found)


def uses_of(parameter: str, function: cst.CSTNode) -> int:
    """Count where the value of a function's parameter is read."""
    named: Any = findall(function, m.Name(parameter))
    others: Any = [
        *findall(function, m.Param(name=m.Name(parameter))),
        *findall(function, m.Arg(keyword=m.Name(parameter))),
        *findall(function, m.Attribute(attr=m.Name(parameter))),
    ]
    return len(named) - len(others)


def _is_layer(name: str) -> bool:
    known = constructor_of(name.rpartition(".")[2]) is not None or general(name) is not None
    return name.startswith("keras.layers.") and known


def _maker(program: Program, name: str, calls: Sequence[cst.Call]) -> Expr | None:
    """Return what makes layers of a class: called as Keras's is by these calls."""
    cls = general(name)
    if cls is not None:
        return Source(program.name_of(cls))
    last = name.rpartition(".")[2]
    order = arguments_of("layers", last) or []
    given = [_options(call, order, name) for call in calls]
    shown = sorted({o for options in given for o in options}, key=[*order, "name"].index)
    made = constructed(program, last, {o: Source(o) for o in shown if o not in BASE})
    if made is None:
        return None
    defaults = LayerView(last, {}, []).defaults
    always = [o for o in shown if all(o in options for options in given)]
    rest = [f"{o}={defaults.get(o)!r}" for o in shown if o not in always]
    head = " ".join(["lambda", ", ".join([*always, *rest])]).rstrip()
    return Source(f"{head}: {program.text(made)}", -1)


def _options(call: cst.Call, order: Sequence[str], name: str) -> list[str]:
    """Return the names of a call's arguments."""
    places = iter(o for o in order if o != "**")
    found = [arg.keyword.value if arg.keyword else next(places, "") for arg in call.args]
    if any(arg.star for arg in call.args) or not {*found} <= {*order, "name"}:
        raise UnsupportedError(f"{name} called with *arguments is not translated")
    return found
