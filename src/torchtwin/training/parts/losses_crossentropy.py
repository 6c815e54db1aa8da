"""Cross-entropies that torch has not: of probabilities, clipped, focal, or of unlike ranks."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from torchtwin.training.parts.losses import comparable


def matched(output, target):
    """Return output and target in one dtype and one shape; only a last axis of 1 may be added."""
    output, target = comparable(output, target)
    if output.shape != target.shape:
        raise ValueError(f"targets {[*target.shape]} do not fit outputs {[*output.shape]}")
    return output, target


def clipped(output, dim=-1):
    """Probabilities, made to sum to 1 and clipped to [1e-7, 1 - 1e-7]."""
    output = output / output.sum(dim, keepdim=True)
    return output.clamp(1e-7, 1 - 1e-7)


def categorical_crossentropy(output, target, dim=-1, label_smoothing=0.0, from_logits=False):
    """Cross-entropy along `dim`, of logits or of probabilities, which are clipped."""
    output, target = matched(output, target)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / target.shape[-1]
    log = F.log_softmax(output, dim) if from_logits else clipped(output, dim).log()
    return -(target * log).sum(dim)


def sparse_categorical_crossentropy(output, labels, ignore_index=-100):
    """Cross-entropy of probabilities, which are clipped, with the numbers of classes."""
    log = clipped(output).log().flatten(0, -2)
    values = F.nll_loss(log, labels.flatten(), reduction="none", ignore_index=ignore_index)
    return values.view(labels.shape)


def categorical_focal_crossentropy(
    output, target, *, alpha=0.25, gamma=2.0, dim=-1, label_smoothing=0.0
):
    """Cross-entropy of probabilities, each class weighed by alpha * (1 - probability)**gamma."""
    output, target = comparable(output, target)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / target.shape[-1]
    output = clipped(output, dim)
    weight = output.new_tensor(alpha) * (1 - output) ** gamma
    return -(weight * target * output.log()).sum(dim)


def binary_crossentropy(output, target, dim=-1, label_smoothing=0.0, from_logits=False):
    """Binary cross-entropy averaged over `dim`; probabilities are clipped to [1e-7, 1 - 1e-7]."""
    output, target = matched(output, target)
    target = target * (1 - label_smoothing) + label_smoothing / 2
    if from_logits:
        return F.binary_cross_entropy_with_logits(output, target, reduction="none").mean(dim)
    output = output.clamp(1e-7, 1 - 1e-7)
    return -(target * output.log() + (1 - target) * (1 - output).log()).mean(dim)


def binary_focal_crossentropy(
    output, target, *, alpha=None, gamma=2.0, dim=-1, label_smoothing=0.0, from_logits=False
):
    """Binary cross-entropy weighed by (1 - probability of the target)**gamma.

    `alpha` weighs class 1, and 1 - alpha class 0.
    """
    output, target = matched(output, target)
    target = target * (1 - label_smoothing) + label_smoothing / 2
    if from_logits:
        values = F.binary_cross_entropy_with_logits(output, target, reduction="none")
        output = output.sigmoid()
    else:
        inside = output.clamp(1e-7, 1 - 1e-7)
        values = -(target * inside.log() + (1 - target) * (1 - inside).log())
    right = target * output + (1 - target) * (1 - output)
    values = (1 - right) ** gamma * values
    if alpha is not None:
        values = (target * alpha + (1 - target) * (1 - alpha)) * values
    return values.mean(dim)


def crossentropy(output, target, from_logits=False):
    """Cross-entropy with class numbers or one-hot rows, whichever the shape of the target says."""
    if target.dim() < output.dim() or target.shape[-1] == 1:
        labels = target.long().reshape(output.shape[:-1])
        if from_logits:
            return F.cross_entropy(output.movedim(-1, 1), labels, reduction="none")
        return sparse_categorical_crossentropy(output, labels)
    return categorical_crossentropy(output, target, from_logits=from_logits)


def generalized_crossentropy(output, target, q=0.5):
    """(1 - p**q) / q of the target's probability p: robust where some labels are wrong."""
    rows = F.one_hot(target.long(), output.shape[-1]).to(output.dtype)
    return (1 - (output * rows).sum(-1) ** q) / q


def ctc(output, target):
    """F.ctc_loss of logits (batch, steps, classes); class 0 is the blank and pads the targets."""
    log = F.log_softmax(output, -1).transpose(0, 1)
    lengths = (target != 0).sum(-1)
    steps = torch.full_like(lengths, output.shape[1])
    return F.ctc_loss(log, target.long(), steps, lengths, reduction="none")
