"""Beam search for the likeliest sequences of labels in the scores of each step."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F


def ctc_beam_labels(
    inputs: torch.Tensor,
    lengths: torch.Tensor,
    width: int = 100,
    paths: int = 1,
    blank: int | None = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the `paths` likeliest labelings (paths, B, steps), and their log-probabilities.

    `blank` is the class of no label, the last one for None; -1 fills the end of a labeling.
    """
    batch, steps, classes = inputs.shape
    blank = classes - 1 if blank is None else blank % classes
    labels = torch.full((paths, batch, steps), -1, dtype=torch.int32, device=inputs.device)
    scores = inputs.new_full((batch, paths), -math.inf)
    logs, lengths = F.log_softmax(inputs, -1), torch.as_tensor(lengths)
    for k, (sample, length) in enumerate(zip(logs.tolist(), lengths.tolist(), strict=False)):
        beams: dict[Any, Any] = {(): (0.0, -math.inf)}
        for step in sample[:length]:
            beams = stepped(beams, step, width, blank)
        best = sorted(beams, key=lambda path, of=beams: -log_sum(*of[path]))  # type: ignore[misc]
        for n, path in enumerate(best[:paths]):
            labels[n, k, : len(path)] = labels.new_tensor(path)
            scores[k, n] = log_sum(*beams[path])
    return labels, scores


def stepped(beams: dict[Any, Any], step: list[float], width: int, blank: int) -> dict[Any, Any]:
    """Return labelings after one more step: those there are, and longer ones that are likelier.

    Each comes with its log-probabilities to end in a blank, and in a label.

    Of labelings that fall out of the `width` best nothing is kept.
    """
    total = {path: log_sum(*ends) for path, ends in beams.items()}

    def longer(path: tuple[int, ...], label: int) -> float:
        # A label again is a second one only behind a blank.
        return (beams[path][0] if path[-1:] == (label,) else total[path]) + step[label]

    new: dict[Any, Any] = {}
    for path, (_, ends_label) in beams.items():
        again = ends_label + step[path[-1]] if path else -math.inf
        grown = longer(path[:-1], path[-1]) if path and path[:-1] in beams else -math.inf
        new[path] = (total[path] + step[blank], log_sum(again, grown))
    sums = {path: log_sum(*ends) for path, ends in new.items()}
    for path in sorted(beams, key=lambda path: -total[path]):
        if len(new) >= width and total[path] <= min(sums.values()):
            break
        for label in range(len(step)):
            child = (*path, label)
            if label == blank or child in new:
                continue
            score = longer(path, label)
            if len(new) >= width:
                worst = min(sums, key=sums.__getitem__)
                if score <= sums[worst]:
                    continue
                del new[worst], sums[worst]
            new[child], sums[child] = (-math.inf, score), score
    return new


def log_sum(a: float, b: float) -> float:
    """Return the logarithm of the sum of two numbers given by theirs."""
    high, low = max(a, b), min(a, b)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
