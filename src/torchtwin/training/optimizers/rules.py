"""One rule for each optimizer of Keras: its arguments, and the PyTorch optimizer that it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, call
from torchtwin.training.entries import Entry
from torchtwin.training.optimizers.plan import PARAMETERS, RATE, Slot
from torchtwin.training.parts import optimizers_adam as adam
from torchtwin.training.parts import optimizers_gradient as gradient
from torchtwin.training.parts import optimizers_matrix as matrix

Facts = dict[str, Any]
"""What a rule returns: fields of `Single`."""

RATES = {"sgd": 0.01, "schedulefreeadamw": 0.0025}
"""The learning rates of Keras that are not 0.001."""

MOMENTS = (Slot("exp_avg", "momentum"), Slot("exp_avg_sq", "velocity"))


def made(function: Any, **kwargs: Any) -> Call:
    return call(function, PARAMETERS, lr=RATE, **kwargs)


def _betas(entry: Entry, second: float = 0.999) -> tuple[float, float]:
    return (entry.number("beta_1", 0.9), entry.number("beta_2", second))


def sgd(entry: Entry) -> Facts:
    momentum, nesterov = entry.number("momentum", 0.0), entry.flag("nesterov")
    if momentum == 0:
        return {"constructor": made(torch.optim.SGD)}
    return {
        "constructor": made(gradient.SGD, momentum=momentum, nesterov=nesterov),
        "blocks": ((Slot("velocity", "momentum"),),),
    }


def rmsprop(entry: Entry) -> Facts:
    """`epsilon_outside` marks the rule of the versions before 2.11, without momentum."""
    rho, momentum = entry.number("rho", 0.9), entry.number("momentum", 0.0)
    epsilon, centered = entry.number("epsilon", 1e-7), entry.flag("centered")
    blocks = [(Slot("square_avg", "velocity"),)]
    blocks += [(Slot("momentum_buffer", "momentum"),)] * (momentum > 0)
    blocks += [(Slot("grad_avg", "average_gradient"),)] * centered
    if entry.flag("epsilon_outside") and momentum == 0:
        constructor = made(torch.optim.RMSprop, alpha=rho, eps=epsilon, centered=centered)
        lazy = tuple(slot.key for block in blocks for slot in block)
        return {"constructor": constructor, "blocks": tuple(blocks), "lazy": lazy}
    arguments = {"rho": rho, "momentum": momentum, "epsilon": epsilon, "centered": centered}
    return {"constructor": made(gradient.RMSprop, **arguments), "blocks": tuple(blocks)}


def adam_or_w(entry: Entry) -> Facts:
    """Keras decouples weight decay for every optimizer: Adam with it is AdamW."""
    default = 0.004 if entry.class_name.lower() == "adamw" else None
    decay = entry.take("weight_decay", default)
    amsgrad = entry.flag("amsgrad")
    arguments: Facts = {"betas": _betas(entry), "epsilon": entry.number("epsilon", 1e-7)}
    arguments |= {"amsgrad": amsgrad}
    blocks = (MOMENTS, *[(Slot("max_exp_avg_sq", "velocity_hat"),)] * amsgrad)
    if decay:
        decay = entry.number("weight_decay", default)
        constructor = made(adam.AdamW, weight_decay=decay, **arguments)
        return {"constructor": constructor, "blocks": blocks, "decay": decay, "own_decay": True}
    return {"constructor": made(adam.Adam, **arguments), "blocks": blocks}


def adadelta(entry: Entry) -> Facts:
    arguments = {"rho": entry.number("rho", 0.95), "eps": entry.number("epsilon", 1e-7)}
    slots = (Slot("square_avg", "accumulated_grad"), Slot("acc_delta", "accumulated_delta_var"))
    return {
        "constructor": made(torch.optim.Adadelta, **arguments),
        "blocks": (slots,),
        "lazy": tuple(slot.key for slot in slots),
    }


def adagrad(entry: Entry) -> Facts:
    """Keras adds epsilon under the root: once to the sum does the same.

    `epsilon_outside` marks the rule of the versions before 2.11, which is torch's.
    """
    start, epsilon = entry.number("initial_accumulator_value", 0.1), entry.number("epsilon", 1e-7)
    if entry.flag("epsilon_outside"):
        arguments, add = {"initial_accumulator_value": start, "eps": epsilon}, 0.0
    else:
        arguments, add = {"initial_accumulator_value": start + epsilon, "eps": 0.0}, epsilon
    return {
        "constructor": made(torch.optim.Adagrad, **arguments),
        "blocks": ((Slot("sum", "accumulator", add),),),
    }


def adamax(entry: Entry) -> Facts:
    arguments = {"betas": _betas(entry), "epsilon": entry.number("epsilon", 1e-7)}
    return {
        "constructor": made(adam.Adamax, **arguments),
        "blocks": ((Slot("exp_avg", "momentum"), Slot("exp_inf", "norm")),),
    }


def nadam(entry: Entry) -> Facts:
    """torch's NAdam with momentum_decay=1 is Keras's; before 2.11 it was an argument."""
    arguments: Facts = {"betas": _betas(entry), "eps": entry.number("epsilon", 1e-7)}
    arguments["momentum_decay"] = entry.number("schedule_decay", 1.0)
    return {
        "constructor": made(torch.optim.NAdam, **arguments),
        "blocks": (MOMENTS,),
        "lazy": tuple(slot.key for slot in MOMENTS),
        "numbers": {"mu_product": 1.0},
    }


def ftrl(entry: Entry) -> Facts:
    arguments = {
        "power": entry.number("learning_rate_power", -0.5),
        "initial_accumulator_value": entry.number("initial_accumulator_value", 0.1),
        "l1": entry.number("l1_regularization_strength", 0.0),
        "l2": entry.number("l2_regularization_strength", 0.0),
        "l2_shrinkage": entry.number("l2_shrinkage_regularization_strength", 0.0),
        "beta": entry.number("beta", 0.0),
    }
    return {
        "constructor": made(gradient.Ftrl, **arguments),
        "blocks": ((Slot("accumulator", "accumulator"), Slot("linear", "linear")),),
    }


def lion(entry: Entry) -> Facts:
    return {
        "constructor": made(gradient.Lion, betas=_betas(entry, 0.99)),
        "blocks": ((Slot("exp_avg", "momentum"),),),
    }


def lamb(entry: Entry) -> Facts:
    arguments = {"betas": _betas(entry), "epsilon": entry.number("epsilon", 1e-7)}
    return {"constructor": made(adam.Lamb, **arguments), "blocks": (MOMENTS,), "layout": "norm"}


def adafactor(entry: Entry) -> Facts:
    """`relative_step` changes nothing: the rate is bounded by the root of the step either way."""
    entry.flag("relative_step", default=True)
    arguments = {
        "beta_2_decay": entry.number("beta_2_decay", -0.8),
        "epsilon_1": entry.number("epsilon_1", 1e-30),
        "epsilon_2": entry.number("epsilon_2", 1e-3),
        "clip_threshold": entry.number("clip_threshold", 1.0),
    }
    slots = (
        Slot("row_avg", "r", kind="rows"),
        Slot("column_avg", "c", kind="columns"),
        Slot("exp_avg_sq", "velocity", kind="full"),
    )
    constructor = made(matrix.Adafactor, **arguments)
    return {"constructor": constructor, "blocks": (slots,), "layout": "matrix"}


def muon(entry: Entry) -> Facts:
    words = entry.take("exclude_layers", None) or []
    if not all(isinstance(word, str) for word in words):
        raise UnsupportedError(f"exclude_layers={words!r} in Muon")
    coefficients = zip("abc", (3.4445, -4.775, 2.0315), strict=True)
    arguments = {
        "momentum": entry.number("momentum", 0.95),
        "nesterov": entry.flag("nesterov", default=True),
        "coefficients": tuple(entry.number(f"muon_{k}", v) for k, v in coefficients),
        "ns_steps": entry.number("ns_steps", 5),
        "rms_rate": None if entry.take("rms_rate", 0.2) is None else entry.number("rms_rate", 0.2),
        "adam_betas": (entry.number("adam_beta_1", 0.9), entry.number("adam_beta_2", 0.999)),
        "epsilon": entry.number("epsilon", 1e-7),
        "adam_lr_ratio": entry.number("adam_lr_ratio", 1),
    }
    decay, adam_decay = entry.take("weight_decay", 0.004), entry.take("adam_weight_decay", 0.004)
    return {
        "constructor": made(matrix.Muon, **arguments),
        "blocks": (
            (Slot("momentum_buffer", "momentum"), Slot("exp_avg_sq", "velocity", kind="adam")),
        ),
        "layout": "muon",
        "decay": decay or None,
        "adam_decay": adam_decay or 0.0,
        "excluded": tuple(words),
        "exclude_embeddings": entry.flag("exclude_embeddings", default=True),
    }


def schedule_free(entry: Entry) -> Facts:
    arguments: Facts = {"betas": _betas(entry), "epsilon": entry.number("epsilon", 1e-8)}
    arguments["warmup_steps"] = entry.number("warmup_steps", 0)
    return {
        "constructor": made(adam.ScheduleFreeAdamW, **arguments),
        "blocks": ((Slot("z", "momentum"), Slot("exp_avg_sq", "velocity")),),
    }


RULES: dict[str, Callable[[Entry], Facts]] = {
    "sgd": sgd, "rmsprop": rmsprop, "adam": adam_or_w, "adamw": adam_or_w, "adadelta": adadelta,
    "adagrad": adagrad, "adamax": adamax, "nadam": nadam, "ftrl": ftrl, "lion": lion,
    "lamb": lamb, "adafactor": adafactor, "muon": muon, "schedulefreeadamw": schedule_free,
}  # fmt: skip
"""By the class name in lower case: Keras takes it in any."""
