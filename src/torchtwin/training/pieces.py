"""What the training rules return: pieces of train.py as expressions.

In an expression `Var("output")` and `Var("target")` are one output of the model and what it is
compared with, both with their axes in Keras's order; `Var("step")` counts updates from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from torchtwin.expr import Expr, Var

OUTPUT, TARGET, STEP = Var("output"), Var("target"), Var("step")


@dataclass(frozen=True)
class Output:
    """One output of the model: its name in Keras and its shape, in Keras's order of axes.

    `activation` is "softmax" or "sigmoid" where that is the model's last operation (softmax along
    Keras's last axis), so that a loss can have what comes before it; otherwise "".
    """

    name: str
    shape: tuple[int | None, ...]
    activation: str = ""


@dataclass(frozen=True)
class Loss:
    """The loss of one output.

    `values` is the loss of each sample (and step, pixel, ...), of `OUTPUT` and `TARGET`. With
    `logits`, `OUTPUT` is what comes before the output's activation. `reduction` is Keras's:
    "sum_over_batch_size", "sum", "mean_with_sample_weight" or "none". `valid`, an expression of
    the same two, is True where a value counts. `differences` are sentences for the docstring.
    """

    values: Expr
    name: str
    reduction: str = "sum_over_batch_size"
    logits: bool = False
    valid: Expr | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """A metric: its name in Keras's logs, and the call that makes a `torchmetrics.Metric`.

    Its `update(output, target, weight=None)` takes the output behind its activation. `masked`
    tells that `update` takes the output's `mask` too; all other metrics of Keras overlook it.
    """

    name: str
    constructor: Expr
    differences: tuple[str, ...] = ()
    masked: bool = False
