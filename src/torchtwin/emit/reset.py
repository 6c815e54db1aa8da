"""Prints `reset_parameters`, which draws all weights anew as Keras does before training.

Submodules that are drawn alike share a loop; many of one kind are found by their class.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from torchtwin.emit.expressions import Printer, qualified
from torchtwin.emit.helpers import is_own
from torchtwin.errors import UnsupportedError
from torchtwin.evaluate import instance
from torchtwin.expr import Call, Expr, Method, Var, call
from torchtwin.nn.channel_norm import ChannelNorm
from torchtwin.nn.normalization import FrozenBatchNorm, MaskedBatchNorm
from torchtwin.program import Class, Submodule
from torchtwin.training.initializers import drawn, initializer_of, kept
from torchtwin.training.variables import access, submodule_weights, torch_class

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, FrozenBatchNorm,
         MaskedBatchNorm, ChannelNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)  # fmt: skip
"""Modules whose own reset_parameters() does what Keras's defaults do."""

NORM_DEFAULTS = {"weight": "Ones", "bias": "Zeros", "running_mean": "Zeros", "running_var": "Ones"}

HEAD = ["def reset_parameters(self):", '    """Draw all weights anew, as before training."""']
LAYER = Var("layer")
WIDEST = 92


@dataclass(frozen=True)
class Line:
    """A statement on `LAYER`, and a comment on it."""

    expr: Expr
    comment: str = ""


@dataclass(frozen=True)
class Part:
    """A submodule that is drawn: its attribute, its class in torch.nn, what is done to it.

    `recipe` is the text of that; `biased` tells that it has a bias.
    """

    attribute: str
    kind: type | None
    lines: tuple[Line, ...]
    recipe: tuple[str, ...]
    biased: bool


@dataclass(frozen=True)
class Resets:
    """The methods by the id of their class, and their expressions.

    `reason` is a sentence that tells why there are none, where there are none.
    """

    methods: Mapping[int, Sequence[str]]
    exprs: Sequence[Expr] = ()
    reason: str = ""


def resets_of(program: Class) -> Resets:
    """Return `reset_parameters` of every class of a program, or of none and the reason.

    One weight that cannot be drawn leaves all classes without it: to draw the others alone would
    not be the start that Keras makes.
    """
    methods: dict[int, Sequence[str]] = {}
    exprs: list[Expr] = []
    try:
        for cls in program.classes():
            parts = [p for sub in cls.submodules for p in _part(sub, methods)]
            if parts and id(cls) not in methods:
                methods[id(cls)] = _method(parts)
                exprs += [line.expr for part in parts for line in part.lines]
    except UnsupportedError as error:
        where = f", in {error.where}" if error.where else ""
        return Resets({}, reason=f"It cannot start from scratch: {error.problem}{where}.")
    return Resets(methods, exprs)


def _part(sub: Submodule, methods: Mapping[int, Any]) -> Iterator[Part]:
    lines: list[Line] = []
    kind: type | None = None
    if isinstance(sub.constructor, Class):
        lines = [_reset(LAYER)] if id(sub.constructor) in methods else []
    elif sub.weights:
        module = instance(sub.constructor)
        kind = type(module)
        own = is_own(sub.constructor)
        lines = [_made_anew(sub.constructor)] if own else list(_lines(sub, module))
    if lines:
        recipe = tuple(_printed(line, "layer") for line in lines)
        torchs = torch_class(kind) if kind else None
        yield Part(sub.attribute, torchs, tuple(lines), recipe, "bias" in sub.weights)


def _reset(module: Expr) -> Line:
    return Line(module.reset_parameters())


def _made_anew(constructor: Call) -> Line:
    """The author's own layers draw their weights when they are made."""
    state = Method(constructor, "state_dict", (), {})
    return Line(Method(LAYER, "load_state_dict", (state,), {}))


def _lines(sub: Submodule, module: nn.Module) -> Iterator[Line]:
    """Yield what is done to one submodule, in the order of its weights."""
    weights = {w.name: w for w in submodule_weights(sub, module=module)}
    norm = type(module) in NORMS
    if norm:
        yield _reset(LAYER)
    for name, notation in sub.weights.items():
        x = access(LAYER, name)
        if notation.constant in ("zeros", "ones"):
            fill = nn.init.zeros_ if notation.constant == "zeros" else nn.init.ones_
            if not norm:
                yield Line(call(fill, x))
        elif name in weights and not kept(weights[name]):
            weight = weights[name]
            if not norm or initializer_of(weight)[0] != NORM_DEFAULTS.get(name):
                yield from (Line(*line) for line in drawn(weight, x))


def _method(parts: Sequence[Part]) -> list[str]:
    """Return the lines of one class's method."""
    lines: list[str] = []
    by_class, rest = _by_class(parts)
    if by_class:
        lines.append("for layer in self.children():")
    word = "if"
    for kinds, part, optional in by_class:
        names = [qualified(kind) for kind in kinds]
        listed = names[0] if len(names) == 1 else f"({', '.join(names)})"
        lines.append(f"    {word} isinstance(layer, {listed}):")
        lines += [f"        {line}" for line in _body(part, optional)]
        word = "elif"
    for group in _groups(rest):
        if len(group) == 1:
            lines += [_printed(line, f"self.{group[0].attribute}") for line in group[0].lines]
        else:
            lines.append(_over(group))
            lines += [f"    {line}" for line in group[0].recipe]
    plain = all(_under_no_grad(line.expr) for part in parts for line in part.lines)
    decorator = [] if plain else ["@torch.no_grad()"]
    return [*decorator, *HEAD, *(f"    {line}" for line in lines)]


def _body(part: Part, optional: bool) -> Iterator[str]:
    """Yield what is done to each layer of a class, to its bias only if it has one."""
    biased = [line for line in part.recipe if _of_bias(line)] if optional else []
    yield from (line for line in part.recipe if line not in biased)
    if biased:
        yield "if layer.bias is not None:"
        yield from (f"    {line}" for line in biased)


def _of_bias(line: str) -> bool:
    return "(layer.bias" in line


def _groups(parts: Sequence[Part]) -> list[list[Part]]:
    groups: dict[tuple[str, ...], list[Part]] = {}
    for part in parts:
        groups.setdefault(part.recipe, []).append(part)
    return list(groups.values())


def _over(group: Sequence[Part]) -> str:
    return f"for layer in ({', '.join(f'self.{part.attribute}' for part in group)}):"


ByClass = tuple[tuple[type, ...], Part, bool]


def _by_class(parts: Sequence[Part]) -> tuple[list[ByClass], list[Part]]:
    """Return what a loop over all children does to those of a class, and the parts left over.

    It is for groups too long to be listed. Layers of such a class that are drawn otherwise are
    left over too, and drawn again behind the loop. With True, they may have no bias.
    """
    long = {p.kind for g in _groups(parts) if len(_over(g)) > WIDEST for p in g if p.kind}
    loops: dict[tuple[str, ...], ByClass] = {}
    left = list(parts)
    for kind in sorted(long, key=_name):
        own = [part for part in parts if part.kind and issubclass(part.kind, kind)]
        bare, _ = Counter(map(_bare, own)).most_common(1)[0]
        usual = Counter(p.recipe for p in own if p.biased and _bare(p) == bare)
        full = usual.most_common(1)[0][0] if usual else bare
        same = [p for p in own if p.recipe == full or (p.recipe == bare and not p.biased)]
        optional = any(p.recipe == bare != full for p in same)
        needed = _attributes(full) - ({"bias"} if optional else set())
        if not all(needed <= _attributes(p.recipe) for p in own if p not in same):
            continue  # what the loop draws is not there in all of them
        kinds, part, before = loops.get(full, ((), same[0], False))
        part = next((p for p in same if p.recipe == full), part)
        loops[full] = ((*kinds, kind), part, optional or before)
        left = [part for part in left if part not in same]
    for full, (kinds, part, optional) in loops.items():
        joined = [kind for kind, own in _kinds(parts) if all(p.recipe == full for p in own)]
        loops[full] = (tuple(sorted({*kinds, *joined}, key=_name)), part, optional)
        left = [p for p in left if p.kind not in joined]
    return list(loops.values()), left


def _kinds(parts: Sequence[Part]) -> Iterator[tuple[type, list[Part]]]:
    """Yield the classes of parts, each with those that are of it."""
    for kind in dict.fromkeys(part.kind for part in parts if part.kind):
        yield kind, [part for part in parts if part.kind and issubclass(part.kind, kind)]


def _name(kind: type) -> str:
    return kind.__name__


def _attributes(recipe: tuple[str, ...]) -> set[str]:
    """Return what a recipe draws of a layer."""
    return {name for line in recipe for name in re.findall(r"\blayer\.(\w+)", line)}


def _bare(part: Part) -> tuple[str, ...]:
    """Return the recipe of a part without its bias, where that is one by itself."""
    return tuple(line for line in part.recipe if not (part.biased and _of_bias(line)))


def _under_no_grad(expr: Expr) -> bool:
    """Tell whether a statement is safe on what is trained: `nn.init` sees to that itself."""
    return isinstance(expr, Call) or "reset_parameters" in _printed(Line(expr), "layer")


def _printed(line: Line, layer: str) -> str:
    printer = Printer(lambda _: layer, _no_name, _no_name)
    return f"{printer(line.expr)}{f'  # {line.comment}' if line.comment else ''}"


def _no_name(_: Any) -> str:
    raise AssertionError("neither a class nor a part of a tuple")
