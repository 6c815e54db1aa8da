"""Connectionist temporal classification: sequences of labels from the scores of each step."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def ctc_loss_of_each(
    target: torch.Tensor,
    output: torch.Tensor,
    target_length: torch.Tensor,
    output_length: torch.Tensor,
    blank: int = 0,
) -> torch.Tensor:
    """Return the CTC loss of each sample from logits (B, steps, classes) and labels (B, n)."""
    log = F.log_softmax(output, -1).transpose(0, 1)
    steps, labels = (torch.as_tensor(n).long() for n in (output_length, target_length))
    return F.ctc_loss(log, target.long(), steps, labels, blank=blank, reduction="none")


def ctc_greedy_labels(
    inputs: torch.Tensor,
    lengths: torch.Tensor,
    merge_repeated: bool = True,
    blank: int | None = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the likeliest label of each step, (1, B, steps), and the scores (B, 1).

    Blanks and, with `merge_repeated`, repetitions are left out; -1 fills the end.
    """
    steps, classes = inputs.shape[1:]
    blank = classes - 1 if blank is None else blank % classes
    scores, labels = inputs.max(-1)
    lengths = torch.as_tensor(lengths, device=inputs.device)
    over = torch.arange(steps, device=inputs.device) >= lengths[:, None]
    labels, scores = labels.masked_fill(over, blank), scores.masked_fill(over, 0)
    left_out = labels == blank
    if merge_repeated:
        left_out[:, 1:] |= labels[:, 1:] == labels[:, :-1]
    labels = labels.masked_fill(left_out, -1)
    order = left_out.int().argsort(dim=1, stable=True)
    return labels.gather(1, order)[None].int(), -scores.sum(1, keepdim=True)


def ctc_batch_cost(
    target: torch.Tensor, output: torch.Tensor, steps: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Return the CTC loss (B, 1) of probabilities; the last class is the blank."""
    log = F.log_softmax((output + 1e-7).log(), -1).transpose(0, 1)
    steps, labels = steps.reshape(-1).long(), labels.reshape(-1).long()
    blank = output.shape[-1] - 1
    cost = F.ctc_loss(log, target.long(), steps, labels, blank=blank, reduction="none")
    return cost[:, None]
