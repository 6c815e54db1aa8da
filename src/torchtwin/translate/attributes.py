"""Attributes and subscripts that PyTorch has under other names, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst
import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Field, Method, Source, call
from torchtwin.nn.kernel_of import bias_of, kernel_of, weighted
from torchtwin.translate import settings, surface
from torchtwin.translate.builtin import general
from torchtwin.translate.infer_lengths import one_number
from torchtwin.translate.inventory import is_layer
from torchtwin.translate.layer_lists import is_list_of_trained, is_looked_at, is_trainable
from torchtwin.translate.parts.freezing import trained
from torchtwin.translate.values import source_of, text_of

if TYPE_CHECKING:
    from torchtwin.translate.rewriter import Rewriter

TIED = {"kernel": kernel_of, "bias": bias_of, "embeddings": kernel_of}
"""Weights of layers that custom code reads, and what finds them in PyTorch."""

FILLED = ("Dense", "Embedding", "Conv1D", "Conv2D", "Conv3D")
"""Layers whose first weight is the kernel, and the second the bias."""
LISTED = ("weights", "variables", "trainable_weights", "trainable_variables")
SIZES = {"units": "out_features", "filters": "out_channels"}

NORM = {"gamma": "weight", "beta": "bias", "epsilon": "eps"}
RENAMED = {
    "Embedding": {"input_dim": "num_embeddings", "output_dim": "embedding_dim"},
    "LayerNormalization": NORM,
    "BatchNormalization": {**NORM, "moving_mean": "running_mean", "moving_variance": "running_var"},
    "Dropout": {"rate": "p"},
}
"""What layers know under other names in PyTorch."""


def own(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Return what becomes of a name or an attribute that is the program's own."""
    try:
        changed = attribute(rewriter, original, updated)
    except UnsupportedError as error:
        rewriter.refuse(original, text_of(original), error)
        return updated
    if isinstance(changed, Expr):
        return rewriter.placed(changed)
    return updated if changed is None else changed


def attribute(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """`training` is the module's mode; some weights have other names in PyTorch."""
    if isinstance(original, cst.Name):
        return _training(rewriter, original)
    if (renamed := settings.attribute(updated)) is not None:
        return renamed
    if is_trainable(rewriter, original):
        return cst.parse_expression(f'getattr({text_of(updated.value)}, "trainable", True)')
    if is_list_of_trained(rewriter, original):
        return Call(trained, (source_of(updated.value),), {})
    kinds = rewriter.program.kinds
    inner, attr = kinds.of(original.value), original.attr.value
    if (made := _of_layer(rewriter, original, updated)) is not None:
        return made
    if inner.what == "shape" and attr in ("rank", "ndims"):
        return cst.parse_expression(f"len({text_of(updated.value)})")
    on_self = isinstance(original.value, cst.Name) and original.value.value == "self"
    root = rewriter.program.inventory.root(rewriter.cls) if on_self and rewriter.cls else ""
    target = isinstance(rewriter.parent, cst.AssignTarget)
    tied = root.startswith("keras.layers.") and general(root) is None and attr in TIED
    if tied and root != "keras.layers.Layer" and not target:
        return Call(TIED[attr], (Source("self"),), {})
    owner = (root if general(root) is None else "") if on_self else inner.of
    word = RENAMED.get(owner.rpartition(".")[2], {}).get(attr) if "keras.layers." in owner else None
    if word is not None and not target:
        return Field(source_of(updated.value), word)
    if on_self and rewriter.cls and attr in ("compute_dtype", "variable_dtype", "dtype"):
        known = kinds.attribute(rewriter.cls, attr).what != "unknown"
        if not known and is_layer(rewriter.program.inventory, rewriter.cls):
            return cst.parse_expression("torch.get_default_dtype()")
    return surface.attribute(rewriter, original, updated)


def _of_layer(rewriter: Rewriter, original: Any, updated: Any) -> Any:
    """Return what a weight or a size of a layer becomes, of one in `model.layers` too."""
    inner, attr = rewriter.program.kinds.of(original.value), original.attr.value
    found = Call(TIED[attr], (source_of(updated.value),), {}) if attr in TIED else None
    if inner.what == "module" and inner.of.startswith("keras.layers.") and found:
        return found
    looked_at = is_looked_at(rewriter.program, original.value)
    if attr == "weights" and (looked_at or inner.what == "module"):
        _check_listed(rewriter, original)
    size = SIZES.get(attr) if inner.what == "module" and _last(inner.of) in FILLED else None
    if size is not None:
        return Field(Call(weighted, (source_of(updated.value),), {}), size)
    if found and looked_at and not rewriter.cls:
        return Method(found, "detach", (), {})
    return found if looked_at or _is_wrapped(rewriter, original.value) else None


def _last(of: str) -> str:
    """Return the name of a layer of Keras, "" for what is none."""
    return of.removeprefix("keras.layers.") if of.startswith("keras.layers.") else ""


def _listed(rewriter: Rewriter, node: cst.CSTNode | None) -> Any:
    """Return what finds the weight of `dense.weights[0]`, None for anything else."""
    match node:
        case cst.Subscript(
            value=cst.Attribute(value=owner, attr=cst.Name(value=attr)),
            slice=[cst.SubscriptElement(slice=cst.Index(value=cst.Integer(value="0" | "1" as k)))],
        ) if attr in LISTED and _last(rewriter.program.kinds.of(owner).of) in FILLED:
            return kernel_of if k == "0" else bias_of
    return None


def _check_listed(rewriter: Rewriter, node: cst.Attribute) -> None:
    if _listed(rewriter, rewriter.parent) is None and not isinstance(
        rewriter.parent, cst.AssignTarget
    ):
        raise UnsupportedError(
            f"{text_of(node)} lists weights as Keras has them",
            hint="parameters() has those of PyTorch, whose axes and order are others",
        )


def _is_wrapped(rewriter: Rewriter, owner: cst.BaseExpression) -> bool:
    """Tell whether an expression is the layer that a Wrapper was given."""
    if text_of(owner) != "self.layer" or not rewriter.cls:
        return False
    root = rewriter.program.inventory.root(rewriter.cls)
    target = isinstance(rewriter.parent, cst.AssignTarget)
    return root == "keras.layers.Wrapper" and not target


def _training(rewriter: Rewriter, node: cst.Name) -> Any:
    if node.value != "training" or not rewriter.cls:
        return None
    if isinstance(rewriter.parent, cst.Param) or (
        isinstance(rewriter.parent, cst.Arg) and rewriter.parent.keyword is node
    ):
        return None
    if isinstance(rewriter.parent, cst.Attribute) and rewriter.parent.attr is node:
        return None
    for function in (n for n in rewriter.path if isinstance(n, cst.FunctionDef)):
        if any(p.name.value == "training" for p in function.params.params) and is_layer(
            rewriter.program.inventory, rewriter.cls
        ):
            return cst.parse_expression("self.training")
    return None


def subscript(rewriter: Rewriter, original: cst.Subscript, updated: cst.Subscript) -> Expr | None:
    """PyTorch has no slices that run backwards: x[:, ::-1] is x.flip(1)."""
    if (found := _listed(rewriter, original)) is not None:
        owner = cst.ensure_type(updated.value, cst.Attribute).value
        return Call(found, (source_of(owner),), {})
    if one_number(rewriter.program.kinds, original) is not None:
        return call(torch.tensor, [source_of(updated.value)])
    if rewriter.program.kinds.of(original.value).what != "tensor":
        return None
    flipped = []
    for k, part in enumerate(original.slice):
        if isinstance(part.slice, cst.Slice) and part.slice.step is not None:
            step = text_of(part.slice.step)
            if step.startswith("-"):
                whole = step == "-1" and part.slice.lower is None and part.slice.upper is None
                if not whole:
                    raise UnsupportedError(f"the slice {text_of(original)} runs backwards")
                flipped.append(k)
    if not flipped:
        return None
    if any(isinstance(p.slice, cst.Index) for p in original.slice):
        raise UnsupportedError(f"the slice {text_of(original)} runs backwards")
    parts = [
        part.with_changes(slice=cst.Slice(None, None)) if k in flipped else part
        for k, part in enumerate(updated.slice)
    ]
    subject: Expr = source_of(updated.value)
    if len(flipped) < len(parts):
        subject = source_of(updated.with_changes(slice=parts))
    return Method(subject, "flip", tuple(flipped), {})
