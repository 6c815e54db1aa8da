"""Statements that set something of Keras: left out where PyTorch has no such thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from torchtwin.translate.canonical import is_foreign
from torchtwin.translate.values import text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

LEFT_OUT = (
    "keras.backend.clear_session", "keras.utils.clear_session", "keras.utils.plot_model",
    "keras.utils.vis_utils.plot_model", "keras.backend.set_learning_phase",
    "keras.config.enable_interactive_logging", "keras.config.disable_interactive_logging",
    "keras.utils.enable_interactive_logging", "keras.utils.disable_interactive_logging",
    "keras.config.disable_traceback_filtering", "keras.config.enable_traceback_filtering",
    "tf.config.", "tf.get_logger", "tf.autograph.", "tf.compat.v1.disable_", "tf.compat.v1.enable_",
    "tf.compat.v1.logging.", "tf.debugging.set_log_device_placement", "tf.logging.",
    "tf.compat.v1.reset_default_graph", "tf.profiler.",
)  # fmt: skip
"""Calls whose statements go: sessions, logging, devices, drawings of the model."""
PLAIN_VALUES = {
    "keras.backend.set_image_data_format": "channels_last",
    "keras.config.set_image_data_format": "channels_last",
    "keras.backend.set_floatx": "float32",
    "keras.config.set_floatx": "float32",
}
"""Settings that change nothing with this value."""
RATES = ("learning_rate", "lr")


def is_left_out(rewriter: Rewriter, node: cst.CSTNode) -> bool:
    """Tell whether a call is a statement of its own that a translated program does without."""
    if not isinstance(node, cst.Call):
        return False
    func = node.func
    while isinstance(func, cst.Attribute) and isinstance(func.value, cst.Call):
        func = func.value.func  # tf.get_logger().setLevel("ERROR")
    name = rewriter.program.names.of(func) or ""
    if name in PLAIN_VALUES:
        return len(node.args) == 1 and text_of(node.args[0].value)[1:-1] == PLAIN_VALUES[name]
    return is_foreign(name) and name.startswith(LEFT_OUT)


def is_rate(node: cst.BaseExpression) -> bool:
    """Tell whether an expression is the learning rate of an optimizer."""
    if not isinstance(node, cst.Attribute) or node.attr.value not in RATES:
        return False
    return text_of(node.value).lower().endswith(("optimizer", "opt"))


def value_of(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> Any:
    """Return the learning rate where a program asks a variable of Keras for its value."""
    name, func = rewriter.program.names.of(original.func), original.func
    if name == "keras.backend.get_value" and original.args and is_rate(original.args[0].value):
        return updated.args[0].value
    if isinstance(func, cst.Attribute) and is_rate(func.value):
        if func.attr.value in ("numpy", "read_value", "value"):
            return cst.ensure_type(updated.func, cst.Attribute).value
        if func.attr.value == "assign":
            return updated  # see `statement`
    if name == "keras.backend.set_value" and original.args and is_rate(original.args[0].value):
        return updated
    statement = rewriter.inside(cst.Expr)
    going = statement is not None and is_left_out(rewriter, statement.value)
    return updated if going else None


def attribute(updated: cst.Attribute) -> cst.Attribute | None:
    """Return `optimizer.learning_rate` for `optimizer.lr`."""
    if not is_rate(updated) or updated.attr.value == "learning_rate":
        return None
    return updated.with_changes(attr=cst.Name("learning_rate"))


def statement(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Leave a statement out, or write an assignment for a call that assigns."""
    if len(original.body) != 1 or not isinstance(original.body[0], cst.Expr):
        return updated
    call, new = original.body[0].value, updated.body[0]
    if not isinstance(call, cst.Call):
        return updated
    if is_left_out(rewriter, call):
        line = rewriter.program.refusals.lines.get(call, 0)
        rewriter.program.became.add(line, text_of(call.func), "(left out)")
        return _without(rewriter, original, updated)
    name, func = rewriter.program.names.of(call.func), call.func
    target: Any = None
    value: Any = None
    if name == "keras.backend.set_value" and len(call.args) == 2 and is_rate(call.args[0].value):
        target, value = (arg.value for arg in new.value.args)
    elif isinstance(func, cst.Attribute) and func.attr.value == "assign" and is_rate(func.value):
        target, value = new.value.func.value, new.value.args[0].value
    if target is None:
        return updated
    assigned = cst.Assign([cst.AssignTarget(target)], value)
    return updated.with_changes(body=[assigned])


def _without(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Remove a statement with its comments; the last one of a block becomes `pass`."""
    block = rewriter.parent
    if isinstance(block, cst.IndentedBlock) and block.body[-1] is original:
        return updated.with_changes(body=[cst.Pass()], leading_lines=())
    return cst.RemoveFromParent()
