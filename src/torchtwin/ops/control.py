"""Operations that call functions of the program: conditions and loops.

They run as Python does: on a tensor on a GPU a condition waits for its value.
"""

from __future__ import annotations

from typing import Any

from torchtwin.emit.expressions import printed
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source, call
from torchtwin.nn.control import (
    branch_of,
    fold_first,
    loop_range,
    loop_while,
    map_first,
    scan_first,
    scan_pairs,
    scan_states,
)
from torchtwin.nn.steps import run_steps
from torchtwin.nn.tensor_array import TensorArray
from torchtwin.ops.functions import named
from torchtwin.ops.registry import expr, op

LOOSE = -1
"""How weakly `a if b else c` binds."""


def function(value: Any) -> Expr:
    """Return a function of the program; refuse what is none of its own."""
    if isinstance(value, Expr):
        return value
    raise UnsupportedError("a function that is not the program's own is not translated here")


@op("Cond")
def cond(pred: Any, true_fn: Any, false_fn: Any) -> Any:
    chosen, other = (text for text, _ in map(result_of, (true_fn, false_fn)))
    condition = printed(expr(pred))
    return Source(f"{chosen} if {condition} else {other}", LOOSE)


def result_of(value: Any) -> tuple[str, int]:
    """Return what a function without arguments gives, as source: of a lambda its body."""
    text = printed(function(value))
    if text.startswith("lambda:"):
        body = text.removeprefix("lambda:").strip()
        return (body, 9) if body.isidentifier() else (f"({body})", 9)
    return f"{text}()", 9


@op("WhileLoop")
def while_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any = None) -> Any:
    values = exprs(loop_vars)
    more = {} if maximum_iterations is None else {"maximum_iterations": expr(maximum_iterations)}
    return call(loop_while, function(cond), function(body), values, **more)


def exprs(value: Any) -> Any:
    """Return tensors in a structure as their expressions."""
    if isinstance(value, dict):
        return {k: exprs(v) for k, v in value.items()}
    return expr(value)


@op("ForiLoop")
def fori_loop(lower: Any, upper: Any, body_fun: Any, init_val: Any) -> Any:
    return call(loop_range, expr(lower), expr(upper), function(body_fun), exprs(init_val))


@op("Map")
def map_(f: Any, xs: Any) -> Any:
    return call(map_first, function(f), exprs(xs))


@op("VectorizedMap")
def vectorized_map(function: Any, elements: Any) -> Any:
    return map_(function, elements)


@op("Scan")
def scan_(
    f: Any, init: Any, xs: Any = None, length: Any = None, reverse: Any = False, unroll: Any = 1
) -> Any:
    del unroll  # how fast, not what
    more = {"length": expr(length), "reverse": expr(reverse)}
    return call(scan_first, function(f), exprs(init), exprs(xs), **more)


@op("AssociativeScan")
def associative_scan(f: Any, elems: Any, reverse: Any = False, axis: Any = 0) -> Any:
    more = {"reverse": expr(reverse), "axis": expr(axis)}
    return call(scan_pairs, function(f), exprs(elems), **more)


@op("Switch")
def switch(index: Any, branches: Any, *operands: Any) -> Any:
    if not isinstance(branches, Expr):
        branches = [function(f) for f in branches]
    return call(branch_of, expr(index), branches, *map(exprs, operands))


@named("tf.while_loop")
def tf_while_loop(
    cond: Any, body: Any, loop_vars: Any, maximum_iterations: Any = None,
    shape_invariants: Any = None, back_prop: Any = None,
) -> Any:  # fmt: skip
    del shape_invariants, back_prop  # what TensorFlow's graph needs to know
    return while_loop(cond, body, loop_vars, maximum_iterations)


@named("tf.TensorArray")
def tensor_array(
    dtype: Any, size: Any = 0, dynamic_size: Any = None, clear_after_read: Any = None,
    infer_shape: Any = None, element_shape: Any = None,
) -> Any:  # fmt: skip
    """It grows where it must; the tensors know their dtype and their shape."""
    del dtype, dynamic_size, clear_after_read, infer_shape, element_shape
    return call(TensorArray, *([] if size in (0, None) else [expr(size)]))


@named("tf.cond")
def tf_cond(pred: Any, true_fn: Any = None, false_fn: Any = None) -> Any:
    return cond(pred, true_fn, false_fn)


@named("tf.switch_case")
def switch_case(branch_index: Any, branch_fns: Any, default: Any = None) -> Any:
    """An index beyond the functions means the last, as that of keras.ops.switch that is too big."""
    if default is not None or not isinstance(branch_fns, list | tuple):
        raise UnsupportedError("tf.switch_case with a default or with pairs is not translated")
    return switch(branch_index, branch_fns)


@named("keras.backend.rnn")
def rnn(
    step_function: Any, inputs: Any, initial_states: Any, go_backwards: Any = False,
    mask: Any = None, constants: Any = None, unroll: Any = False, input_length: Any = None,
    time_major: Any = False, zero_output_for_mask: Any = False, return_all_outputs: Any = True,
) -> Any:  # fmt: skip
    del unroll, input_length  # how it is computed; the inputs know their length
    if time_major is not False or return_all_outputs is not True:
        raise UnsupportedError("K.rnn(time_major=..., return_all_outputs=...) is not translated")
    more = {"backwards": go_backwards, "mask": mask, "zero_output": zero_output_for_mask}
    more = {k: expr(v) for k, v in more.items() if v is not None and v is not False}
    if constants is not None:
        more["constants"] = exprs(constants)
    return call(run_steps, function(step_function), expr(inputs), exprs(initial_states), **more)


@named("tf.map_fn", "keras.backend.map_fn")
def map_fn(
    fn: Any, elems: Any, dtype: Any = None, fn_output_signature: Any = None
) -> Any:  # fmt: skip
    del dtype, fn_output_signature  # what the function gives says it
    return map_(fn, elems)


@named("tf.vectorized_map")
def tf_vectorized_map(fn: Any, elems: Any) -> Any:
    return map_(fn, elems)


def _folded(helper: Any, *, backwards: bool = False) -> Any:
    def folded(fn: Any, elems: Any, initializer: Any = None, reverse: Any = False) -> Any:
        more = {} if initializer is None else {"state": exprs(initializer)}
        if backwards or reverse is not False:
            more["reverse"] = True if backwards else expr(reverse)
        return call(helper, function(fn), exprs(elems), **more)

    return folded


named("tf.foldl", "keras.backend.foldl")(_folded(fold_first))
named("tf.foldr", "keras.backend.foldr")(_folded(fold_first, backwards=True))
named("tf.scan")(_folded(scan_states))
