"""The call that makes an author's layer, from the config that Keras kept."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torchtwin.custom.definitions import Definition
from torchtwin.custom.library import Library
from torchtwin.emit.expressions import OWN
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, call
from torchtwin.nn import bases
from torchtwin.view import defaults

BASE = frozenset({"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape",
                  "activity_regularizer", "dynamic", "build_config", "autocast", "input_dtype",
                  "quantization_config"})  # fmt: skip
"""What the config of every layer may hold: Keras's own bookkeeping."""

OPTIONS = tuple(
    f"{part}_{kind}"
    for part in ("kernel", "bias")
    for kind in ("initializer", "regularizer", "constraint")
)
"""What `KernelBase` takes beside its named arguments."""


def constructor(
    library: Library, definition: Definition, cls: Any, config: Mapping[str, Any]
) -> Call:
    """Return the call of a translated class with the arguments of a config."""
    _check_from_config(library, definition)
    given = {k: v for k, v in config.items() if k not in BASE}
    words, inherited = _parameters(definition, cls)
    kwargs = {}
    for name, value in given.items():
        if name in words:
            kwargs[name] = value_of(library, name, value)
        elif _is_default(library, definition, name, value):
            continue
        elif name in inherited:
            kwargs[name] = value_of(library, name, value)
        else:
            raise UnsupportedError(
                f"{definition.name}({name}={value!r}) of the file is no argument of its __init__",
                where=_place(library, definition),
            )
    for name, parameter in words.items():
        required = parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY,
        )  # fmt: skip
        if required and name not in kwargs and name in config:
            kwargs[name] = value_of(library, name, config[name])
        elif required and name not in kwargs:
            raise UnsupportedError(
                f"{definition.name} needs {name}, which the file does not hold",
                where=_place(library, definition),
                hint=f"let get_config return {name}, and save the model again",
            )
    return call(cls, **kwargs)


def _parameters(
    definition: Definition, cls: Any
) -> tuple[dict[str, inspect.Parameter], dict[str, inspect.Parameter]]:
    """Return the parameters of a class's constructor, and those that it hands on to what it comes
    from: layers of Keras as they are inherited from have Keras's names for them."""
    makers = [c for c in cls.__mro__ if "__init__" in vars(c)]
    found: list[dict[str, inspect.Parameter]] = [{}, {}]
    for k, maker in enumerate(makers):
        if maker.__module__ not in (OWN, bases.__name__):
            break
        parameters = list(inspect.signature(maker.__init__).parameters.values())[1:]
        named = {p.name: p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if maker is bases.KernelBase:
            named |= dict.fromkeys(OPTIONS, parameters[-1])
        found[min(k, 1)] = {**named, **found[min(k, 1)]}
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    if makers[0].__module__ not in (OWN, bases.__name__) and not makers[0].__name__.endswith(
        "Module"
    ):
        raise UnsupportedError(
            f"{definition.name} has the constructor of a layer of Keras",
            hint="give it an __init__ of its own, in a copy of the source",
        )
    return found[0], found[1]


def object_for(
    library: Library, name: str, config: Mapping[str, Any], left_out: Sequence[str]
) -> Call | None:
    """Return the call that makes a loss or a metric of a class that the source defines."""
    definition = library.find(name)
    if definition is None or not definition.is_class:
        return None
    cls = library.made(definition.name)
    given = {k: v for k, v in config.items() if k not in left_out}
    words = inspect.signature(cls).parameters.values()
    needed = {w.name for w in words if w.default is w.empty and w.name in config}
    given |= {k: config[k] for k in left_out if k in needed}
    return constructor(library, definition, cls, given)


def _place(library: Library, definition: Definition) -> str:
    return f"{library.definitions.path.name}, line {definition.first}"


def _is_default(library: Library, definition: Definition, name: str, value: Any) -> bool:
    """Tell whether an argument of the layer of Keras that a class comes from is at its default."""
    if value is None or _is_usual_initializer(name, value):
        return True
    pending, seen = [definition], set[str]()
    while pending:
        current = pending.pop()
        for base in getattr(current.node, "bases", ()):
            last = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
            known = defaults().get(last, {})
            if name in known and _plain(known[name]) == _plain(value):
                return True
            if last not in seen:
                seen.add(last)
                pending += library.definitions.found.get(last, ())
    return False


def _is_usual_initializer(name: str, value: Any) -> bool:
    """Tell whether an argument such as kernel_initializer is what layers of Keras have anyway."""
    from torchtwin.training.initializers import ARGUMENTS, DEFAULTS  # needs torch

    usual = DEFAULTS.get(name.removesuffix("_initializer")) if name != "alpha" else None
    if usual is None or not name.endswith("_initializer") or not isinstance(value, Mapping):
        return False
    if str(value.get("class_name")).removesuffix("Initializer") != usual:
        return False
    given = {k: v for k, v in (value.get("config") or {}).items() if v is not None and k != "seed"}
    return given.items() <= ARGUMENTS.get(usual, {}).items()


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        kept = ("class_name", "config") if "class_name" in value else tuple(value)
        # versions of Keras write more or fewer arguments that are None
        return {k: _plain(v) for k, v in value.items() if k in kept and v is not None}
    return value


def value_of(library: Library, name: str, value: Any) -> Any:
    """Return a value of a config as an expression; what is serialised, as what it stands for."""
    if isinstance(value, list | tuple):
        return type(value)(value_of(library, name, v) for v in value)
    if isinstance(value, str) and "act" in name:
        own = library.find(value)  # Keras writes a function of the author's as its name
        return library.made(own.name) if own is not None and own.is_function else value
    if not isinstance(value, Mapping):
        return value
    if "class_name" not in value:
        return {k: value_of(library, name, v) for k, v in value.items()}
    if value["class_name"] == "__tuple__":
        return tuple(value_of(library, name, v) for v in value.get("items", ()))
    word = value["config"] if value["class_name"] == "function" else value["class_name"]
    registered = str(value.get("registered_name"))
    own = library.find(registered if ">" in registered else str(word))
    if own is not None and own.is_function:
        return library.made(own.name)
    if value["class_name"] == "function" and isinstance(word, str):
        return word
    if own is not None and own.is_class and isinstance(value.get("config"), Mapping):
        return constructor(library, own, library.made(own.name), value["config"])
    from torchtwin.custom.objects import object_of

    return object_of(name, value)


def _check_from_config(library: Library, definition: Definition) -> None:
    """Refuse a from_config that does more than to make the layer of its config."""
    for node in getattr(definition.node, "body", ()):
        if isinstance(node, ast.FunctionDef) and node.name == "from_config":
            for statement in node.body:
                if not _makes_it(statement):
                    raise UnsupportedError(
                        f"{definition.name}.from_config does more than to return cls(**config)",
                        where=f"{library.definitions.path.name}, line {statement.lineno}",
                        hint="let it return cls(**config) in a copy of the source",
                    )


def _makes_it(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return True
    text = ast.unparse(statement)
    if text in ("return cls(**config)", "config = dict(config)", "config = config.copy()"):
        return True
    return isinstance(statement, ast.Assign) and "deserialize" in text
