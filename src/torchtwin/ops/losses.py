"""Cross-entropies and other measures of how far an output is from its target."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call, unpack
from torchtwin.nn.ctc import ctc_greedy_labels, ctc_loss_of_each
from torchtwin.nn.ctc_search import ctc_beam_labels
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import static, tensor
from torchtwin.rule import Case
from torchtwin.training.parts.losses_crossentropy import (
    categorical_crossentropy,
    crossentropy,
)


@op("BinaryCrossentropy", cases=[Case({"from_logits": True}, [(2, 3), (2, 3)])])
def binary_crossentropy(target: Any, output: Any, from_logits: Any = False) -> Any:
    """Keras clips probabilities; PyTorch bounds their logarithms instead."""
    static("binary_crossentropy", from_logits=from_logits)
    wanted, given = tensor(target).expr, tensor(output).expr
    wanted = wanted.type_as(given)
    if from_logits:
        return call(F.binary_cross_entropy_with_logits, given, wanted, reduction="none")
    return call(F.binary_cross_entropy, given.clamp(1e-7, 1 - 1e-7), wanted, reduction="none")


@op("CategoricalCrossentropy", cases=[Case({"from_logits": True}, [(2, 3), (2, 3)]),
                                      Case({"from_logits": True, "axis": 1}, [(2, 3, 2)] * 2),
                                      ])  # fmt: skip
def categorical(target: Any, output: Any, from_logits: Any = False, axis: Any = -1) -> Any:
    given, wanted = tensor(output).expr, tensor(target).expr
    more = {"dim": expr(axis), "from_logits": expr(from_logits)}
    return call(categorical_crossentropy, given, wanted, **more)


@op("SparseCategoricalCrossentropy")
def sparse_categorical(target: Any, output: Any, from_logits: Any = False, axis: Any = -1) -> Any:
    given, wanted = tensor(output).expr, tensor(target).expr
    if axis != -1:
        given = given.movedim(expr(axis), -1)
    return call(crossentropy, given, wanted, from_logits=expr(from_logits))


@op("PSNR", cases=[Case({"max_val": 2.0}, [(2, 3, 4), (2, 3, 4)])])
def psnr(x1: Any, x2: Any, max_val: Any) -> Any:
    error = (tensor(x1).expr - tensor(x2).expr).square().mean()
    return 10 * (expr(max_val) ** 2 / error).log10()


@op("CTCLoss")
def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: Any = 0
) -> Any:
    given = [tensor(v).expr for v in (target, output, target_length, output_length)]
    return call(ctc_loss_of_each, *given, blank=expr(mask_index))


@op("CTCDecode")
def ctc_decode(
    inputs: Any, sequence_lengths: Any, strategy: Any = "greedy", beam_width: Any = 100,
    top_paths: Any = 1, merge_repeated: Any = True, mask_index: Any = 0,
) -> Any:  # fmt: skip
    """Both of Keras's searches by beams merge nothing, whatever `merge_repeated` says."""
    x, lengths = tensor(inputs), tensor(sequence_lengths)
    static("ctc_decode", strategy=strategy)
    if strategy == "beam_search":
        more = {"width": expr(beam_width), "paths": expr(top_paths), "blank": expr(mask_index)}
        pair = call(ctc_beam_labels, x.expr, lengths.expr, **more)
    elif strategy == "greedy":
        more = {"merge_repeated": expr(merge_repeated), "blank": expr(mask_index)}
        pair = call(ctc_greedy_labels, x.expr, lengths.expr, **more)
    else:
        raise UnsupportedError(f"ctc_decode(strategy={strategy!r}) is not translated")
    return unpack(pair, "labels", "scores") if x.known else pair
