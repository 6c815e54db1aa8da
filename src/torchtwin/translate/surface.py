"""What Keras's layers and models tell about themselves, and modules of PyTorch do not."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import libcst as cst
import libcst.matchers as m

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr
from torchtwin.translate.inventory import is_layer
from torchtwin.translate.layer_lists import is_looked_at
from torchtwin.translate.parts.files import count_of, is_built
from torchtwin.translate.parts.layer_weights import arrays_of, fill_layer
from torchtwin.translate.parts.model import Model
from torchtwin.translate.values import source_of, text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

WEIGHTS = {"get_weights": arrays_of, "set_weights": fill_layer, "count_params": count_of}
"""Methods of a layer, and what does the same for a module."""
CLASS = "keep what it tells in the class itself"
SHAPES = "call the module, and look at the shape of what it gives"
PARAMETERS = "parameters() has those of PyTorch, whose axes and order are others"
KERAS_ONLY = {
    "get_config": CLASS, "compute_output_shape": CLASS, "compute_output_spec": CLASS,
    "input_shape": SHAPES, "output_shape": SHAPES, "batch_input_shape": SHAPES,
    "losses": "what layers add to the loss is computed at each step, in fit",
    "add_loss": "call it inside a layer", "metrics": "keep the metrics in variables",
    "reset_metrics": "fit and evaluate start with new ones",
    "reset_states": "what a layer remembers is a buffer", "reset_state": "",
    "pop": "make the model without that layer", "input_spec": "", "dtype_policy": "",
    "compute_dtype": "a parameter has a dtype", "variable_dtype": "a parameter has a dtype",
    "variables": PARAMETERS, "non_trainable_weights": PARAMETERS,
    "non_trainable_variables": PARAMETERS, "name": "the class has a name", "dtype": "",
    "predict_step": "", "make_train_function": "", "quantize": "use torch.ao.quantization",
    "units": "it is out_features of nn.Linear", "filters": "it is out_channels of nn.Conv2d",
}  # fmt: skip
"""What all layers or models have in Keras, and modules only where a class of the program does."""
OF_ELEMENTS = frozenset({"name"})
"""What modules in `model.layers` have too."""


def attribute(rewriter: Rewriter, original: cst.Attribute, updated: cst.Attribute) -> Expr | None:
    """Return what an attribute becomes that modules do not have. Raises UnsupportedError."""
    attr, parent = original.attr.value, rewriter.parent
    if isinstance(parent, cst.AssignTarget | cst.AnnAssign | cst.Del | cst.AugAssign):
        return None
    if attr not in KERAS_ONLY and attr != "built":
        return None
    listed = is_looked_at(rewriter.program, original.value)
    if not (listed or _is_of_keras(rewriter, original.value, attr)):
        return None
    if attr == "built":
        return Call(is_built, (source_of(updated.value),), {})
    if listed and attr in OF_ELEMENTS:
        return None
    method = isinstance(parent, cst.Call) and parent.func is original
    what = "a method" if method else "an attribute"
    raise UnsupportedError(f"{attr} is {what} of Keras's layers and models", hint=KERAS_ONLY[attr])


def called(rewriter: Rewriter, original: cst.Call, updated: cst.Call) -> cst.BaseExpression | None:
    """Return what the weights of a layer become that a program takes or gives as arrays.

    Raises UnsupportedError for those of an own layer, and where single weights are taken out of
    all that a model has.
    """
    func = cst.ensure_type(original.func, cst.Attribute)
    attr, owner = func.attr.value, func.value
    if attr not in WEIGHTS or text_of(owner) == "self":
        return None
    kind = rewriter.program.kinds.of(owner)
    own = rewriter.program.inventory.root(kind.of)
    if kind.what == "module" and own.startswith("keras.layers.") and kind.of != own:
        raise UnsupportedError(f"{attr}() of an own layer", hint="use its parameters by name")
    layer = kind.what == "module" and own not in ("keras.Model", "keras.Sequential")
    if layer or is_looked_at(rewriter.program, owner):
        taken = cst.ensure_type(updated.func, cst.Attribute).value
        given = [source_of(value) for value in (taken, *(arg.value for arg in updated.args))]
        return rewriter.program.node(Call(WEIGHTS[attr], tuple(given), {}))
    if attr == "get_weights" and kind.what == "module" and _looked_into(rewriter.parent):
        raise UnsupportedError(
            "the single weights of a model have other axes and another order in PyTorch",
            hint="take them from one layer",
        )
    return None


def check_arguments(rewriter: Rewriter, original: cst.Call) -> None:
    """Refuse arguments that methods of models take in Keras only."""
    func = cst.ensure_type(original.func, cst.Attribute)
    attr, kind = func.attr.value, rewriter.program.kinds.of(func.value)
    if not hasattr(Model, attr) or _defines(rewriter, kind.of, attr):
        return
    known = inspect.signature(getattr(Model, attr)).parameters
    for arg in original.args:
        if arg.keyword is not None and arg.keyword.value not in known:
            raise UnsupportedError(f"{attr}({arg.keyword.value}=...) is not translated")


def _looked_into(parent: cst.CSTNode | None) -> bool:
    """Tell whether single ones are taken out of a list."""
    unpacked = m.Assign(targets=[m.AssignTarget(target=m.Tuple() | m.List())])
    return m.matches(parent, m.Subscript() | m.For() | m.CompFor() | unpacked) if parent else False


def _is_of_keras(rewriter: Rewriter, owner: cst.BaseExpression, attr: str) -> bool:
    """Tell whether a module is asked for what no class of the program has."""
    program = rewriter.program
    inventory, kind = program.inventory, program.kinds.of(owner)
    text = text_of(owner)
    if text == "self" or text.startswith("super("):
        return False
    if text == "self.model" and inventory.root(rewriter.cls) == "keras.callbacks.Callback":
        return True
    if kind.what == "unknown":
        methods = {"get_config", "compute_output_shape", "compute_output_spec"}
        own = attr == "get_config" and any(inventory.method(c, attr) for c in inventory.classes)
        return bool(rewriter.cls) and attr in methods and not own
    if kind.what != "module" or not (kind.of.startswith("keras.") or is_layer(inventory, kind.of)):
        return False
    known = program.kinds.attribute(kind.of, attr).what != "unknown"
    return not known and not _defines(rewriter, kind.of, attr)


def _defines(rewriter: Rewriter, cls: str, attr: str) -> bool:
    """Tell whether a class of the program has a method or sets an attribute of this name."""
    inventory: Any = rewriter.program.inventory
    target = m.Attribute(value=m.Name("self"), attr=m.Name(attr))
    return inventory.method(cls, attr) is not None or any(
        m.findall(
            inventory.classes[base], m.AssignTarget(target=target) | m.AnnAssign(target=target)
        )
        for base in inventory.bases(cls)
        if base in inventory.classes
    )
