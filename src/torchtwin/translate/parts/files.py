"""What a model is made of, and how its weights are kept in files."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import torch
from torch import nn


def weights_of(module):
    """Return the weights of a module by name, those too that are not trained."""
    state = module.state_dict()
    return {name: value for name, value in state.items() if not name.endswith("batches_tracked")}


def is_built(model):
    """Tell whether a model has all its weights: some come with the first call."""
    lazy = [m for m in model.modules() if not getattr(m, "built", True)]
    return not lazy and not any(map(nn.parameter.is_lazy, model.parameters()))


def must_be_built(model):
    if not is_built(model):
        raise ValueError(f"{type(model).__name__} has its weights when it was called once")


def count_of(module):
    """Return how many numbers the weights of a module are."""
    must_be_built(module)
    return sum(value.numel() for value in weights_of(module).values())


def set_weights_of(model, arrays):
    """Fill the weights of a model in their order, at its first call if it has none yet."""
    if not is_built(model):
        model.waiting = arrays
        return
    with torch.no_grad():
        for value, array in zip(weights_of(model).values(), arrays, strict=True):
            value.copy_(torch.as_tensor(array))


@torch.no_grad()
def fill_waiting(model, args, kwargs):
    """Build a model by a call, and fill it with the arrays that wait for that."""
    arrays = vars(model).pop("waiting", None)
    if arrays is not None:
        mode = model.training
        model.eval()(*args, **kwargs)
        set_weights_of(model.train(mode), arrays)


def copy_of_weights(run):
    """Return a copy of the weights in memory."""
    return {name: value.clone() for name, value in run.module.state_dict().items()}


def set_weights(run, weights):
    """Give the module the weights that `copy_of_weights` returned."""
    run.module.load_state_dict(weights)


def print_summary(model):
    """Print the modules of which a model is made, and how many weights they have."""
    for name, module in [("", model), *model.named_children()]:
        count = sum(value.numel() for value in weights_of(module).values())
        told = f"{count:,}" if is_built(module) else "not built yet"
        print(f"{name:24} {type(module).__name__:24} {told:>14}")


def save_model(model, path, saved={}):  # noqa: B006 (kept for load_model)
    """Write the weights of a model and the state of its optimizer: a file of PyTorch's, whatever
    its name ends in."""
    state = {"weights": model.state_dict()}
    if model.optimizer is not None and model.optimizer.torch is not None:
        state["optimizer"] = model.optimizer.torch.state_dict()
        state["iterations"] = model.optimizer.iterations
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    saved[os.path.abspath(path)] = model
    return saved


def read_state(path):
    """Return what `save_model` has written."""
    try:
        return torch.load(path, weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a file of this program's: a model of Keras's?") from error


def load_weights_of(model, path):
    """Give a model the weights that `save_model` has written."""
    model.load_state_dict(read_state(path)["weights"])
    model.eval()


def load_model(path):
    """Return a copy of the model that this program has saved in a file, as it was then."""
    known = save_model.__defaults__[0]
    if os.path.abspath(path) not in known:
        raise ValueError(f"{path} holds weights only: make the model, and use load_weights")
    model, state = copy.deepcopy(known[os.path.abspath(path)]), read_state(path)
    model.load_state_dict(state["weights"])
    model.eval()
    if "optimizer" in state:
        model.optimizer.torch.load_state_dict(state["optimizer"])
        model.optimizer.iterations = state["iterations"]
    return model
