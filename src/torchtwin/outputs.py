"""Gives a program `logits()`: its outputs as a loss wants them, before their activation.

PyTorch's cross-entropies take logits, and so does Keras inside: on TensorFlow it looks behind the
softmax that made an output (keras/src/backend/tensorflow/nn.py, `_get_logits`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from torchtwin.expr import Call, Expr, Invoke, Member, Method, Var, unpack
from torchtwin.program import Argument, Class, Statement

FUNCTIONS = {F.softmax: "softmax", torch.sigmoid: "sigmoid"}

LOGITS, WITH_MASKS = "logits", "with_masks"
"""What the further method is called: the second where there are only masks to add."""


@dataclass(frozen=True)
class Body:
    """A method of an emitted class: its name, what it does, and its statements."""

    name: str
    doc: str
    program: Class


def activations(program: Class, count: int) -> list[str]:
    """Return for each of the first `count` outputs "softmax", "sigmoid" or ""."""
    return [((found := _last(program, k)) and found.activation) or "" for k in range(count)]


@dataclass(frozen=True)
class _Last:
    """The activation that makes an output, and what it is applied to."""

    activation: str
    function: Any
    options: Mapping[str, Any]
    inner: Any
    statement: Statement


def _last(program: Class, k: int) -> _Last | None:
    """Return the activation that is the last operation of an output, in a nested model too."""
    output = program.outputs[k]
    made = _statement(program, output.value)
    if made is None:
        return None
    expr = made.expr
    if isinstance(expr, Call) and expr.function in FUNCTIONS and len(expr.args) == 1:
        if expr.function is F.softmax and not _along_last(expr, output):
            return None
        return _Last(FUNCTIONS[expr.function], expr.function, expr.kwargs, expr.args[0], made)
    nested = _nested(program, expr)
    found = _last(nested, 0) if nested is not None else None
    if found is None or not isinstance(expr, Invoke):
        return None
    inner = Method(expr.callee, LOGITS, expr.args, expr.kwargs)
    return replace(found, inner=inner, statement=made)


def _statement(program: Class, value: str) -> Statement | None:
    made = {s.value: s for s in program.statements}
    while value in made and isinstance(expr := made[value].expr, Var):
        value = expr.value
    return made.get(value)


def _nested(program: Class, expr: Expr) -> Class | None:
    """Return the nested model of which an expression is the only output."""
    if not isinstance(expr, Invoke):
        return None
    found = (s.constructor for s in program.submodules if s.attribute == expr.callee.attribute)
    cls = next(found, None)
    return cls if isinstance(cls, Class) and len(cls.outputs) == 1 else None


def _along_last(softmax: Call, output: Argument) -> bool:
    """Tell whether a softmax runs along Keras's last axis."""
    rank = len(output.shape)
    last = output.layout.index(rank - 1) if output.layout else rank - 1
    return set(softmax.kwargs) == {"dim"} and softmax.kwargs["dim"] % rank == last


def with_logits(program: Class, wanted: Collection[int], count: int) -> Class:
    """Return the program with a method for training.

    The program's outputs beyond the first `count` are masks: only the further method returns
    them. `wanted` are the outputs that it returns before their activation.
    """
    outputs, masks = program.outputs[:count], program.outputs[count:]
    if not wanted and not masks:
        return program
    raw, statements = list(outputs), list(program.statements)
    for k in wanted:
        found = _last(program, k)
        assert found is not None, "an output without an activation has no logits"
        if isinstance(found.inner, Method) and found.inner.name == LOGITS:
            program = _split_nested(program, found.statement)
        raw[k] = replace(outputs[k], value=f"{outputs[k].value}.logits")
        statements.append(replace(found.statement, value=raw[k].value, expr=found.inner))
    further = replace(program, outputs=(*raw, *masks), statements=tuple(statements), logits=None)
    name = LOGITS if wanted else WITH_MASKS
    return replace(program, outputs=outputs, logits=further, further=name)


def _split_nested(program: Class, statement: Statement) -> Class:
    """Give the nested model that a statement calls its `logits()`."""
    old = _nested(program, statement.expr)
    assert old is not None
    new = old if old.logits is not None else with_logits(old, (0,), 1)
    subs = tuple(
        replace(s, constructor=new) if s.constructor is old else s for s in program.submodules
    )
    return replace(program, submodules=subs)


def bodies(cls: Class) -> Iterator[Body]:
    """Yield the methods of an emitted class that compute: `forward`, behind what it calls."""
    if cls.logits is None:
        yield Body("forward", "", cls)
        return
    yield Body(cls.further, _doc(cls), cls.logits)
    yield Body("forward", "", _forward(cls, cls.logits))


def _doc(cls: Class) -> str:
    assert cls.logits is not None
    masks = len(cls.logits.outputs) - len(cls.outputs)
    told = "Return the outputs" if len(cls.outputs) > 1 else "Return the output"
    if cls.further == LOGITS:
        found = (_last(cls, k) for k, o in enumerate(cls.logits.outputs) if _is_raw(o))
        kinds = dict.fromkeys(last.activation for last in found if last is not None)
        told += f" before the {' and the '.join(kinds)}: what the loss takes"
    if masks:
        told += ", and the mask of its steps" if masks == 1 else ", and the masks of their steps"
    return told + "."


def _is_raw(output: Argument) -> bool:
    return output.value.endswith(".logits")


def _forward(cls: Class, further: Class) -> Class:
    """Return `forward` as what applies the activations to the further method's results."""
    call: Any = Invoke(Member(cls.further), tuple(Var(a.value) for a in cls.inputs), {})
    parts: tuple[Any, ...] = (call,)
    if len(further.outputs) > 1:
        parts = unpack(
            call, *(f"{o.name}_logits" if _is_raw(o) else o.name for o in further.outputs)
        )
    statements = []
    for k, output in enumerate(cls.outputs):
        expr, made = parts[k], _statement(cls, output.value)
        layer = made.layer if made is not None else ""
        if _is_raw(further.outputs[k]):
            last = _last(cls, k)
            assert last is not None
            expr = Call(last.function, (expr,), last.options)
        statements.append(Statement(output.value, expr, layer, output.shape, output.layout))
    return replace(cls, statements=tuple(statements))
