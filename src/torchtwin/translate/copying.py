"""The code of ours that a program needs: copied, and no more of it than is used."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import libcst as cst

from torchtwin.emit.helpers import closure
from torchtwin.emit.parts import text_of
from torchtwin.training.parts.callbacks import Callback
from torchtwin.translate.parts.files import copy_of_weights, set_weights

WHOLE = ("torchtwin.nn.", "torchtwin.training.parts.")
"""Where classes are copied with all their methods."""

BOUNDED = {"BoundedParameter", "DenseBase", "Conv1dBase", "Conv2dBase", "Conv3dBase"}
REPLACED = {part.__name__: part for part in (copy_of_weights, set_weights)}
"""What callbacks use that is simpler where no processes share a model."""
DERIVED = {
    "validated": {"validation_data", "validation_split"},
    "add_losses": {"losses", "penalized", "OutputPenalty", *BOUNDED},
    "penalized": BOUNDED,
    "constrained": BOUNDED,
    "trainable": {"frozen"},
    "masked": {"output_mask", "MaskedModel"},
}
"""Features that any of several names stands for."""


def copies(
    roots: Iterable[Any], body: str, taken: Iterable[str] = (), features: Iterable[str] = ()
) -> dict[Any, str]:
    """Return helpers and what they need with their source, each behind what it needs.

    Lines for what neither `body` mentions nor `features` have are left out, and so are methods
    that nothing uses. A helper whose name is `taken` by the program gets another one.
    """
    listed = list(roots)
    wanted = {*mentioned(body), *features}
    if any(inspect.isclass(root) and issubclass(root, Callback) for root in listed):
        wanted.add("PLAIN_CALLBACKS")
    wanted |= {feature for feature, names in DERIVED.items() if wanted & names}
    texts = _texts(listed, wanted, wanted)
    used = wanted.union(*map(mentioned, texts.values()))
    while (more := wanted.union(*map(mentioned, _texts(listed, wanted, used).values()))) != used:
        used = more
    texts = _texts(listed, wanted, used)
    occupied = {*taken}
    renamed = {h.__name__: free_name(h.__name__, occupied) for h in texts if h.__name__ in occupied}
    return {helper: with_names(text, renamed) for helper, text in texts.items()}


def _texts(roots: list[Any], features: set[str], used: set[str]) -> dict[Any, str]:
    needed = closure(roots, REPLACED, text=lambda helper: pruned(helper, features, used))
    texts = {helper: pruned(helper, features, used) for helper in needed}
    named = {
        n.id for t in texts.values() for n in ast.walk(ast.parse(t)) if isinstance(n, ast.Name)
    }
    plain = {part: inspect.getsource(part) for name, part in REPLACED.items() if name in named}
    return plain | texts


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name like another that is not taken."""
    occupied = {*taken}
    while name in occupied:
        name = f"_{name}"
    return name


def with_names(text: str, renamed: Mapping[str, str]) -> str:
    """Return source with some of its names replaced, not those of attributes and arguments."""
    if not renamed:
        return text

    class Renaming(cst.CSTTransformer):
        def visit_Attribute(self, node: cst.Attribute) -> bool:  # noqa: N802, ARG002
            return True

        def leave_Attribute(  # noqa: N802
            self, original_node: cst.Attribute, updated_node: cst.Attribute
        ) -> cst.Attribute:
            return updated_node.with_changes(attr=original_node.attr)

        def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:  # noqa: N802
            return updated_node.with_changes(keyword=original_node.keyword)

        def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:  # noqa: N802
            return updated_node.with_changes(
                value=renamed.get(original_node.value, original_node.value)
            )

    return cst.parse_module(text).visit(Renaming()).code


@lru_cache(maxsize=1024)
def mentioned(text: str) -> frozenset[str]:
    """Return the names in a program: variables, attributes, arguments and words in strings."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.Constant(value=str(name)) if name.isidentifier():
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
    return frozenset(found)


def pruned(helper: Any, features: set[str], used: set[str]) -> str:
    """Return the source of a helper without lines and methods that nothing uses."""
    text = text_of(helper, features)
    if not inspect.isclass(helper) or helper.__module__.startswith(WHOLE):
        return text
    lines = text.splitlines()
    body = ast.parse(text).body[0]
    assert isinstance(body, ast.ClassDef)
    for node in reversed(body.body):
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("__"):
            continue
        idle = isinstance(node.body[0], ast.Pass)  # there for a `super()` of the program
        shown = any(ast.unparse(d).startswith(("property", node.name)) for d in node.decorator_list)
        shown = shown and "PLAIN_CALLBACKS" not in features
        if node.name not in (features if idle or shown else used):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
            while first and not lines[first - 1].strip():
                first -= 1
            del lines[first : node.end_lineno]
    return "\n".join(lines)


def imported_by(helpers: Iterable[Any]) -> dict[str, str]:
    """Return what the modules of helpers import from elsewhere: a statement for each name."""
    found: dict[str, str] = {}
    modules = {helper.__module__ for helper in helpers}
    for name in sorted(modules):
        for node in ast.parse(inspect.getsource(sys.modules[name])).body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    found[bound] = f"import {alias.name}" + (f" as {bound}" * bool(alias.asname))
            elif isinstance(node, ast.ImportFrom) and node.module != "__future__":
                for alias in node.names:
                    if not str(node.module).startswith("torchtwin"):
                        bound = alias.asname or alias.name
                        found[bound] = f"from {node.module} import {alias.name}"
    return dict(sorted(found.items()))
