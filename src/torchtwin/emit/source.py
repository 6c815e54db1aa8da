"""Prints a Program as the text of model.py."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from torchtwin.emit.expressions import Printer, qualified
from torchtwin.emit.guard import guarded
from torchtwin.emit.helpers import helpers_of, own_of
from torchtwin.emit.memory import MEMORY_FORMAT, channels_last
from torchtwin.emit.parts import text_of
from torchtwin.emit.reset import Resets, resets_of
from torchtwin.emit.variables import Body
from torchtwin.expr import Call, Method
from torchtwin.names import RESERVED
from torchtwin.nn.intact import intact
from torchtwin.outputs import bodies
from torchtwin.program import Argument, Class, Submodule

HEADER = '''"""{title}

{signature}

Written by torchtwin: plain PyTorch, yours to change. `load()` reads model.safetensors.
"""
'''
MIXED = (
    "Keras computes in {precision}, with weights in float32; so does this under "
    "torch.autocast(..., dtype=torch.{precision}), otherwise it computes in float32."
)
INFERENCE = (
    "For inference alone: BatchNormalization is part of the weights beside it where that is exact, "
    "dropout and noise are left out, and nothing gets a gradient."
)
LOAD = '''
def load(weights=Path(__file__).with_name("model.safetensors")):
    """Return the model with its trained weights, in eval mode{still}."""
    model = {name}()
    model.load_state_dict(load_file(intact(weights)))
    {images}
    return {result}
'''


def emit_source(
    program: Class,
    precision: str | None = None,
    *,
    inference: bool = False,
    compiled: bool = False,
) -> str:
    """Return the text of model.py, formatted.

    `precision` is the dtype in which Keras computes, where that is not the weights' own;
    `compiled` tells that a train.py comes with it.
    """
    resets = Resets({}) if inference else resets_of(program)
    helpers = helpers_of(program, resets.exprs)
    names = class_names(program, [h.__name__ for h in helpers])
    parts = [text_of(helper, ()) for helper in helpers]
    parts += [_class(cls, names, resets.methods.get(id(cls), ())) for cls in _unique(program)]
    images = channels_last(program, inference=inference, compiled=compiled)
    parts.append(text_of(intact, ()))
    parts.append(_load(names[id(program)], images=images, inference=inference))
    body = "\n\n\n".join(parts)
    header = _header(program, precision, INFERENCE if inference else "")
    text = formatted(f"{header}\n{_imports(body, helpers)}\n\n\n{body}\n")
    copied = [helper.__name__ for helper in (*helpers, intact)]
    own = any(own_of(helper) for helper in helpers)
    return guarded(text, [*names.values(), "load"], copied, own=own)


def _load(name: str, *, images: bool, inference: bool) -> str:
    text = LOAD.format(
        name=name,
        still=" and without gradients" * inference,
        images=MEMORY_FORMAT if images else "",
        result="model.requires_grad_(False).eval()" if inference else "model.eval()",
    )
    return "\n".join(line for line in text.strip().splitlines() if line.strip())


def _unique(program: Class) -> Iterator[Class]:
    seen: set[int] = set()
    for cls in program.classes():
        if id(cls) not in seen:
            seen.add(id(cls))
            yield cls


def class_names(program: Class, taken: Sequence[str]) -> Mapping[int, str]:
    """Return a name for each class, unique beside the helpers' names."""
    used = {*taken, intact.__name__, *RESERVED}
    names: dict[int, str] = {}
    for cls in [program, *_unique(program)]:
        name, count = cls.name, 1
        while name in used and id(cls) not in names:
            count += 1
            name = f"{cls.name}{count}"
        used.add(names.setdefault(id(cls), name))
    return names


def _header(program: Class, precision: str | None, kind: str) -> str:
    def listed(arguments: Sequence[Argument]) -> str:
        return ", ".join(
            f"{a.name} {shape_text(a.shape)}{' of str' * (a.dtype == 'string')}" for a in arguments
        )

    results = ", ".join(shape_text(o.shape) for o in program.outputs)
    signature = f"Takes {listed(program.inputs)}; returns {results}."
    text = "\n\n".join(_wrapped(t) for t in (signature, kind) if t)
    if precision is not None:
        text += "\n\n" + _wrapped(MIXED.format(precision=precision))
    return HEADER.format(title=docstring(program.doc), signature=text)


def _wrapped(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, 92))


def docstring(text: str, longest: int = 200) -> str:
    """Return `text` fit for a docstring: a name from a file can hold anything."""
    return "".join(c for c in text if c.isprintable() and c not in '"\\')[:longest]


def shape_text(shape: Iterable[int | None]) -> str:
    """Return a shape as a comment shows it: (B, 32, 28, 28)."""
    lengths = list(shape)
    free = {1: "T"} if len(lengths) == 3 else {2: "H", 3: "W"} if len(lengths) == 4 else {}
    words = [
        "B" if k == 0 else free.get(k, "N") if n is None else str(n) for k, n in enumerate(lengths)
    ]
    return f"({', '.join(words)})" if len(words) > 1 else f"({words[0]},)" if words else "()"


def _imports(body: str, helpers: Sequence[Any]) -> str:
    """Return the import statements that `body` needs: PyTorch's, and those of own classes."""
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    own: dict[str, str] = {}
    for found in filter(None, map(own_of, helpers)):
        own |= {name: line for name, line in found.imports.items() if name not in STANDARD}
    first = [f"import {name}" for name in PLAIN if name in used]
    first += ["from pathlib import Path"]
    first += ["from typing import Any"] if "Any" in used else []
    first += [line for line in own.values() if not _is_numpy(line) and line not in first]
    lines = ["import torch"] if "torch" in used else []
    lines += ["import torch.nn.functional as F"] if "F" in used else []
    lines += ["from safetensors.torch import load_file", "from torch import nn"]
    others = [line for line in own.values() if _is_numpy(line)]
    others += ["import numpy as np"] * ("np" in used and not others)
    return "\n".join([*sorted(first, key=_order), "", *others, *lines])


PLAIN = (
    *("contextlib", "copy", "functools", "hashlib", "inspect", "itertools", "json", "math"),
    "operator",
)
"""Modules of Python that helpers use."""

STANDARD = (*PLAIN, "torch", "F", "nn", "Path", "load_file", "Any", "annotations")
"""What model.py imports by itself, where it needs it."""


def _is_numpy(line: str) -> bool:
    return line.split()[1].partition(".")[0] in ("numpy", "torch")


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _class(cls: Class, names: Mapping[int, str], reset: Sequence[str]) -> str:
    printer = _printer(Body(cls), names)
    lines = [f"class {names[id(cls)]}(nn.Module):", f'    """{docstring(cls.doc)}"""', ""]
    lines += ["    def __init__(self):", "        super().__init__()"]
    lines += [f"        {line}" for sub in cls.submodules for line in _submodule(sub, printer)]
    lines += ["", *(f"    {line}" for line in reset)] if reset else []
    for method in bodies(cls):
        body = Body(method.program)
        arguments = ", ".join(["self", *(body.name_of(a.value) for a in cls.inputs)])
        lines += ["", f"    def {method.name}({arguments}):"]
        lines += [f'        """{method.doc}"""'] if method.doc else []
        lines += [f"        {line}" for line in body.lines(_printer(body, names))]
    return "\n".join(lines)


def _printer(body: Body, names: Mapping[int, str]) -> Printer:
    return Printer(body.name_of, lambda cls: names[id(cls)], body.part_name)


def _submodule(sub: Submodule, printer: Printer) -> Iterator[str]:
    comment = f"  # {sub.comment}" if sub.comment else ""
    yield f"self.{sub.attribute} = {printer(sub.constructor)}{comment}"
    for name in sub.frozen:
        if name or _has_parameters(sub):
            path = re.sub(r"\.(\d+)", r"[\1]", f"{sub.attribute}.{name}".rstrip("."))
            filled = sub.weights[name].constant if name in sub.weights else None
            comment = f"  # stays all {filled}" if filled else ""
            yield f"self.{path}.requires_grad_(False){comment}"


def _has_parameters(sub: Submodule) -> bool:
    return isinstance(sub.constructor, Class) or bool(sub.weights)


def formatted(source: str) -> str:
    """Return `source` as ruff lays it out."""
    from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]

    command = [find_ruff_bin(), "format", "--isolated", "--line-length", "100", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    return done.stdout


def describe(constructor: Any) -> str:
    """Return what a layer became, in a word or two for a table."""
    if isinstance(constructor, Method):  # nn.Linear(3, 4).half()
        return f"{describe(constructor.subject)}, {constructor.name}"
    return qualified(constructor.function) if isinstance(constructor, Call) else constructor.name
