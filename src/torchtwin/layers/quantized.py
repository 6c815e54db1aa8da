"""Dense, EinsumDense and Embedding with quantized weights, and with LoRA.

Keras saves a LoRA adapter merged into its kernel, where it loads it again as zeros: those layers
are plain ones whose kernel is not trained. Older HDF5 files and live models have it apart.
"""

from __future__ import annotations

import math
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.nn.float8 import Float8Einsum
from torchtwin.nn.lora import LoRAEinsumLinear, LoRAEmbedding, LoRALinear
from torchtwin.nn.quantized import GroupedLinear, QuantizedEmbedding, QuantizedLinear
from torchtwin.nn.quantized_einsum import GroupedEinsum, PackedEinsum, QuantizedEinsum
from torchtwin.quantization import Quantization
from torchtwin.rule import Piece, options
from torchtwin.view import LayerView

KEPT = {"weight": "kernel", "bias": "bias", "scale": "kernel_scale", "zero": "kernel_zero",
        "group": "g_idx", "factor": "awq_scales"}  # fmt: skip
"""The parameters and the variables of Keras that fill them, in the order in which it saves them."""


def adapted(layer: LayerView) -> dict[str, Any] | None:
    """Return the arguments of a LoRA adapter that stands beside the weight, None without one."""
    layer.ignore("lora_rank", "lora_alpha", "lora_merged")
    rank = layer.get("lora_rank")
    if not rank or layer.get("lora_merged"):
        return None
    return {"rank": rank, "factor": (layer.get("lora_alpha") or rank) / rank}


def untrained_weight(layer: LayerView) -> tuple[str, ...]:
    """Return what is not trained because an adapter is."""
    return ("weight",) if layer.get("lora_rank") else ()


def lora_dense(layer: LayerView, size: Any, adapter: dict[str, Any]) -> Piece:
    bias = layer["use_bias"]
    weights = {"weight": "kernel: i o -> o i"} | ({"bias": "bias"} if bias else {})
    return Piece(
        module=call(LoRALinear, size, layer["units"], bias=bias, **adapter),
        weights=weights | {"lora_a": "lora_kernel_a", "lora_b": "lora_kernel_b"},
        frozen=("weight",),
        activation=layer["activation"],
    )


def lora_einsum(layer: LayerView, equation: str, shape: Any, bias: Any, adapter: Any) -> Piece:
    weights = {"weight": "kernel"} | ({"bias": "bias"} if bias else {})
    return Piece(
        module=call(LoRAEinsumLinear, equation, shape, bias=bias, **adapter),
        weights=weights | {"lora_a": "lora_kernel_a", "lora_b": "lora_kernel_b"},
        frozen=("weight",),
        activation=layer["activation"],
        layout=None,
    )


def lora_embedding(layer: LayerView, x: Expr, adapter: dict[str, Any]) -> Piece:
    return Piece(
        layer.module(x),
        module=call(LoRAEmbedding, layer["input_dim"], layer["output_dim"], **adapter),
        weights={"weight": "embeddings", "lora_a": "lora_embeddings_a",
                 "lora_b": "lora_embeddings_b"},
        frozen=("weight",),
    )  # fmt: skip


def _refuse_adapter(layer: LayerView) -> None:
    layer.ignore("quantization_config")
    if adapted(layer) is not None:
        raise UnsupportedError(
            f"{layer.class_name} that is quantized and has a LoRA adapter beside its weight",
            hint="save the model as .keras, which merges the adapter",
        )


def _piece(layer: LayerView, module: Any, names: Any, expr: Expr | None = None) -> Piece:
    """Return the piece of a module whose parameters are `names`, mapped to notations."""
    still = tuple(n.partition(":")[0] for k, n in names.items() if k != "bias")
    return Piece(
        expr, module=module, weights=names, untrained=still, activation=layer.get("activation"),
        layout=None,
    )  # fmt: skip


def _weights(q: Quantization, *, bias: bool) -> dict[str, str]:
    """Return the notations of a kernel of whole numbers, in Keras's order."""
    names = dict(KEPT)
    if q.mode in ("gptq", "awq"):  # kept the other way round
        names = {"bias": "bias", "weight": "quantized_kernel: o i -> i o"} | {
            "scale": "kernel_scale: o g -> g o", "zero": "kernel_zero: o g -> g o",
            **({"factor": "awq_scales"} if q.mode == "awq" else {}), "group": "g_idx",
        }  # fmt: skip
    else:
        names.pop("factor")
        if not q.group:
            names.pop("zero")
            names.pop("group")
    if not bias:
        names.pop("bias")
    return names


def _grouped(q: Quantization) -> bool:
    return q.mode in ("gptq", "awq") or bool(q.group)


def _options(q: Quantization, rows: int, *, rounds: bool = False) -> dict[str, Any]:
    if not _grouped(q):
        return options(bits=None if q.bits == 8 else q.bits, rounds=rounds) | {"dtype": q.dtype}
    given = {"groups": q.groups(rows), "bits": q.bits, "dtype": q.dtype}
    if q.mode in ("gptq", "awq"):
        given |= {"signed": False, **options(factors=q.mode == "awq")}
    return given


def quantized_dense(layer: LayerView, size: int, q: Quantization) -> Piece:
    """Return the piece of a Dense whose kernel is whole numbers, or goes through eight bits."""
    _refuse_adapter(layer)
    if layer.flattened is not None:
        raise UnsupportedError("a quantized Dense behind a Flatten of images")
    units, bias = layer["units"], layer["use_bias"]
    if q.mode == "float8":
        return _float8(layer, "...i,io->...o", (size, units), (units,) if bias else None, q)
    rounds = q.mode == "int8" if q.rounds is None else q.rounds
    kind = GroupedLinear if _grouped(q) else QuantizedLinear
    module = call(kind, size, units, bias=bias, **_options(q, size, rounds=rounds))
    return _piece(layer, module, _weights(q, bias=bias))


def _float8(layer: LayerView, equation: str, shape: Any, bias: Any, q: Quantization) -> Piece:
    module = call(Float8Einsum, equation, shape, bias=bias, length=q.history, dtype=q.dtype)
    names = {"weight": "kernel"} | ({"bias": "bias"} if bias else {})
    for ours, keras in (("inputs", "inputs"), ("weight", "kernel"), ("gradient", "outputs_grad")):
        names |= {f"{ours}_scale": f"{keras}_scale", f"{ours}_history": f"{keras}_amax_history"}
    return Piece(module=module, weights=names, activation=layer["activation"], layout=None)


def quantized_einsum(
    layer: LayerView, equation: str, shape: tuple[int, ...], bias: Any, q: Quantization
) -> Piece:
    """Return the piece of an EinsumDense whose kernel is whole numbers."""
    _refuse_adapter(layer)
    layer.ignore("gptq_unpacked_column_size")
    if q.mode == "float8":
        return _float8(layer, equation, shape, bias, q)
    if q.mode in ("gptq", "awq"):
        raise UnsupportedError(f"EinsumDense with the quantization {q.mode} is not translated")
    given, _, rest = equation.partition(",")
    kernel, _, made = rest.partition("->")
    rows = math.prod(n for n, k in zip(shape, kernel, strict=True) if k not in made)
    matrix = (rows, math.prod(shape) // rows)
    rounds = q.mode == "int8" if q.rounds is None else q.rounds
    further = _options(q, rows, rounds=rounds)
    if rounds:
        further |= _rounding(layer, given, kernel, made)
    if q.group:
        module = call(GroupedEinsum, equation, shape, matrix, bias=bias, **further)
    elif q.mode == "int4":
        further.pop("bits")
        module = call(PackedEinsum, equation, shape, matrix, bias=bias, **further)
    else:
        scale = _scale_shape(layer, dict(zip(kernel, shape, strict=True)), given, made)
        module = call(QuantizedEinsum, equation, shape, scale, bias=bias, **further)
    return _piece(layer, module, _weights(q, bias=bool(bias)))


def _rounding(layer: LayerView, given: str, kernel: str, made: str) -> dict[str, Any]:
    """Return the axes over which the input is rounded, and how its factors meet the output."""
    letters = given.replace("...", "")
    rank, behind = layer.input.rank, given.endswith("...")
    first = 0 if behind or "..." not in given else rank - len(letters)
    dims = tuple(first + k for k, letter in enumerate(letters) if letter not in made)
    if not dims:
        raise UnsupportedError("an EinsumDense that sums over nothing and rounds its input")
    new = "".join(k for k in kernel if k in made and k not in given)
    return {"dims": dims, "align": f"{given},{new}->{made}"}


def _scale_shape(layer: LayerView, sizes: dict[str, int], given: str, made: str) -> tuple[int, ...]:
    """Return the shape in which Keras keeps the scale: that of the output, with ones."""
    elided = layer.input.rank - len(given.replace("...", ""))
    kept = [sizes.get(letter, 1) for letter in made.replace("...", "")]
    if made.startswith("..."):
        return (*[1] * elided, *kept)
    return (*kept, *[1] * (elided if made.endswith("...") else 0))


def quantized_embedding(layer: LayerView, x: Expr, q: Quantization) -> Piece:
    _refuse_adapter(layer)
    return embedding_piece(layer, q, QuantizedEmbedding, layer.module(x))


def embedding_piece(
    layer: LayerView, q: Quantization, kind: Any, expr: Expr, *, own_rows: bool = False,
    **further: Any,
) -> Piece:  # fmt: skip
    """Return the piece of an embedding of whole numbers; `own_rows` lead back."""
    if q.mode not in ("int8", "int4"):
        raise UnsupportedError(f"{layer.class_name} with the quantization {q.mode}")
    names = {"weight": "embeddings", "scale": "embeddings_scale"}
    size = layer["output_dim"]
    groups = options(groups=q.groups(size) if q.group else None)
    if groups:
        names |= {"zero": "embeddings_zero", "group": "g_idx"}
    if own_rows:
        axes = ": g n -> n g" if groups else ""
        names |= {"rows.weight": "reverse_embeddings: d n -> n d"}
        names |= {"rows.scale": f"reverse_embeddings_scale{axes}"}
        if groups:
            names |= {"rows.zero": f"reverse_embeddings_zero{axes}", "rows.group": "g_idx"}
    bits = options(bits=None if q.bits == 8 else q.bits)
    module = call(kind, layer["input_dim"], size, **bits, **groups, dtype=q.dtype, **further)
    return _piece(layer, module, names, expr)
