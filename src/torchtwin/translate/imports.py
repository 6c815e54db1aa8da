"""The imports of a translated program: PyTorch's come, Keras's go, helpers follow behind them."""

from __future__ import annotations

import re
import symtable
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import libcst as cst

from torchtwin.translate.arrays import WITHOUT_GRADIENTS
from torchtwin.translate.canonical import ROOTS, canonical
from torchtwin.translate.copying import copies, free_name, imported_by
from torchtwin.translate.names import dotted_name, public_names
from torchtwin.translate.refusals import Refusals
from torchtwin.translate.values import text_of

POSTPONED = "from __future__ import annotations"
"""Names in annotations count all the same."""
NEEDED = (
    ("math", "import math"),
    ("copy", "import copy"),
    ("functools", "import functools"),
    ("inspect", "import inspect"),
    ("json", "import json"),
    ("os", "import os"),
    ("sys", "import sys"),
    ("time", "import time"),
    ("warnings", "import warnings"),
    ("csv", "import csv"),
    ("random", "import random"),
    ("collections", "import collections"),
    ("contextlib", "import contextlib"),
    ("functools", "import functools"),
    ("islice", "from itertools import islice"),
    ("Any", "from typing import Any"),
    ("Path", "from pathlib import Path"),
    ("Any", "from typing import Any"),
    ("np", "import numpy as np"),
    ("torch", "import torch"),
    ("F", "import torch.nn.functional as F"),
    ("torchmetrics", "import torchmetrics"),
    ("load_file", "from safetensors.torch import load_file"),
    ("save_file", "from safetensors.torch import save_file"),
    ("nn", "from torch import nn"),
)
"""Names that rules and helpers use, and where they come from."""

NO_GRADIENTS = "torch.set_grad_enabled(False)  # as in Keras, only fit takes gradients"
HELPERS = "# ---- From torchtwin: what the program below uses, and PyTorch does not have ----"
PROGRAM = "# ---- The program ----"


def used_names(text: str) -> set[str]:
    """Return the names that a program uses of those that its module defines.

    Arguments by keyword and variables of functions are none, though they have an import's name.
    """
    try:
        tables = [symtable.symtable(text.replace(POSTPONED, ""), "<program>", "exec")]
    except SyntaxError:  # a `return` outside of functions, say: all imports stay
        return set(re.findall(r"\w+", text))
    found: set[str] = set()
    for table in tables:
        tables += table.get_children()
        outermost = table.get_type() == "module"
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (outermost or symbol.is_global())
        }
    return found


def with_imports(
    module: cst.Module,
    helpers: Mapping[str, Any],
    taken: Collection[str] = (),
    features: Collection[str] = (),
) -> cst.Module:
    """Return the module with the imports that it needs, and the helpers it names behind them.

    `taken` are names that the program has given a meaning of its own, `features` what lines of
    helpers are for that the program does not mention by name.
    """
    used = used_names(module.code) | ({"torch"} if WITHOUT_GRADIENTS in features else set())
    roots = [helper for name, helper in helpers.items() if free_name(name, taken) in used]
    made = copies(roots, module.code, taken, features) if roots else {}
    copied = list(made.values())
    ours = {free_name(name, taken) for name in helpers}
    body = _without_foreign(list(module.body), used - ours)
    helped = {*ours, *made}
    bound = {name for line in _import_lines(_before_use(body, helped)) for name in _bound(line)}
    needs = used | set().union(*(used_names(text) for text in copied))
    known = {**imported_by(made), **dict(NEEDED)}
    lines = [text for name, text in known.items() if name in needs and name not in bound]
    lines.sort(key=_isort_key)
    place = _place(body)
    new: list[Any] = [cst.parse_statement(line) for line in lines]
    for k, text in enumerate(copied):
        statement = cst.parse_statement(text)
        above = _blank(2) if k else [*_blank(2), _comment(HELPERS), *_blank(2)]
        new.append(statement.with_changes(leading_lines=above))
    following = body[place:]
    if WITHOUT_GRADIENTS in features and following:
        quiet: Any = cst.parse_statement(NO_GRADIENTS)
        following[0] = _behind_blank(following[0], 1)
        following.insert(0, quiet.with_changes(leading_lines=_blank(1)))
    if copied and following:
        following[0] = _behind_blank(following[0], 2, PROGRAM)
    elif new and following and not place and not _is_import(following[0]):
        following[0] = _behind_blank(following[0], 1)
    return module.with_changes(body=[*body[:place], *new, *following])


def _isort_key(line: str) -> tuple[bool, bool, str]:
    """Sort the standard library before others, and `import a` before `from a import b`."""
    home = re.split(r"[ .]", line)[1]
    return home not in sys.stdlib_module_names, line.startswith("from"), line.lower()


def _blank(count: int) -> list[cst.EmptyLine]:
    return [cst.EmptyLine(indent=False) for _ in range(count)]


def _comment(text: str) -> cst.EmptyLine:
    return cst.EmptyLine(indent=False, comment=cst.Comment(text))


def _behind_blank(statement: Any, count: int, title: str = "") -> Any:
    lines = list(statement.leading_lines)
    while lines and lines[0].comment is None:
        lines.pop(0)
    above = [*_blank(count), _comment(title)] if title else []
    return statement.with_changes(leading_lines=[*above, *_blank(count), *lines])


def _is_import(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and isinstance(
        statement.body[0], cst.Import | cst.ImportFrom
    )


def _place(body: list[Any]) -> int:
    """Return where the imports end: behind a docstring and the last import of the first block."""
    place = 0
    for k, statement in enumerate(body):
        docstring = not k and isinstance(statement, cst.SimpleStatementLine) and isinstance(
            statement.body[0], cst.Expr
        )  # fmt: skip
        if _is_import(statement) or docstring:
            place = k + 1
        elif not _harmless(statement):
            break
    return place


def _harmless(statement: cst.CSTNode) -> bool:
    """Tell whether a statement between imports defines nothing: `os.environ[...] = ...`."""
    return isinstance(statement, cst.SimpleStatementLine) and "environ" in text_of(statement)


def _before_use(body: Iterable[Any], helped: Collection[str]) -> list[Any]:
    """Return the statements before the first that may run a helper."""
    running, before = {*helped}, []
    for statement in body:
        defines = isinstance(statement, cst.FunctionDef | cst.ClassDef)
        if not _is_import(statement) and used_names(text_of(statement)) & running:
            if not defines:
                break
            running.add(statement.name.value)
        before.append(statement)
    return before


def _import_lines(body: Iterable[Any]) -> list[Any]:
    return [part for s in body if _is_import(s) for part in s.body]


def _bound(line: cst.Import | cst.ImportFrom) -> list[str]:
    if isinstance(line.names, cst.ImportStar):
        return []
    names = []
    for alias in line.names:
        if alias.asname is not None:
            names.append(dotted_name(alias.asname.name))
        elif isinstance(line, cst.Import):
            names.append(dotted_name(alias.name).partition(".")[0])
        else:
            names.append(dotted_name(alias.name))
    return names


def _foreign(line: cst.Import | cst.ImportFrom, alias: cst.ImportAlias) -> bool:
    module = line.module if isinstance(line, cst.ImportFrom) else alias.name
    return module is not None and dotted_name(module).partition(".")[0] in ROOTS


def _without_foreign(body: list[Any], used: set[str]) -> list[Any]:
    """Drop imports of Keras and TensorFlow that nothing uses any more; their comments stay."""
    result: list[Any] = []
    pending: list[cst.EmptyLine] = []
    for statement in body:
        kept = _kept(statement, used) if _is_import(statement) else statement
        if kept is None:
            pending += [line for line in statement.leading_lines if line.comment or not result]
            continue
        if pending:
            kept = kept.with_changes(leading_lines=[*pending, *kept.leading_lines])
            pending = []
        result.append(kept)
    return result


def _alone(alias: cst.ImportAlias) -> cst.ImportAlias:
    return alias.with_changes(comma=cst.MaybeSentinel.DEFAULT)


def report_imports(module: cst.Module, refusals: Refusals) -> None:
    """Note the imports of Keras that a program still has: something of it was not seen."""
    for part in _import_lines(module.body):
        names = () if isinstance(part.names, cst.ImportStar) else part.names
        found = [_foreign(part, alias) for alias in names]
        star = isinstance(part.names, cst.ImportStar) and dotted_name(part.module).startswith(
            (*(f"{root}." for root in ROOTS), *ROOTS)
        )
        if any(found) or star:
            reason = "something that it imports is still used, and is not translated here"
            refusals.add(part, text_of(part), reason)


def _replaced(part: cst.Import | cst.ImportFrom, used: set[str]) -> bool:
    """Tell whether nothing that a star import of Keras brings is named any more."""
    module = dotted_name(part.module) if isinstance(part, cst.ImportFrom) and part.module else ""
    public = public_names().get(canonical(module))
    return public is not None and not used.intersection(public)


def _kept(statement: cst.SimpleStatementLine, used: set[str]) -> Any:
    parts: list[Any] = []
    for part in statement.body:
        if not isinstance(part, cst.Import | cst.ImportFrom):
            parts.append(part)
            continue
        if isinstance(part.names, cst.ImportStar):
            if not _replaced(part, used):
                parts.append(part)
            continue
        aliases = [
            a for a in part.names
            if not _foreign(part, a) or set(_bound(part.with_changes(names=[_alone(a)]))) & used
        ]  # fmt: skip
        if len(aliases) == len(part.names):
            parts.append(part)
        elif aliases:
            aliases[-1] = _alone(aliases[-1])
            parts.append(part.with_changes(names=aliases))
    return statement.with_changes(body=parts) if parts else None
