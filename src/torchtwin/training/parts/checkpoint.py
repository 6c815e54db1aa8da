"""Checkpoints: one file that any number of processes can go on from."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from torchtwin.training.parts.processes import world_size


def save_checkpoint(run, path):
    """Write all that the run needs to go on, by any number of processes."""
    module, optimizer = states().get_state_dict(run.module, run.optimizer, options=whole())
    state = {"module": module, "optimizer": optimizer, "figures": figures_state(run.figures)}
    state |= {name: getattr(run, name) for name in ("epoch", "batch", "step", "drawn", "seed")}
    state["callbacks"] = [callback.state_dict() for callback in run.callbacks]
    if run.is_main:
        write(path, lambda partial: torch.save(state, partial))


def load_checkpoint(run, path):
    """Put the run where `save_checkpoint` found it."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    states().set_state_dict(
        run.module,
        run.optimizer,
        model_state_dict=state["module"],
        optim_state_dict=state["optimizer"],
        options=whole(),
    )
    for name in ("epoch", "batch", "step", "drawn", "seed"):
        setattr(run, name, state[name])
    load_figures(run.figures, state["figures"], main=run.is_main)
    for callback, kept in zip(run.callbacks, state["callbacks"], strict=True):
        callback.load_state_dict(kept)


def copy_of_weights(run):
    """Return a copy of the weights in memory, whole in the first process."""
    state = states().get_model_state_dict(run.module, options=whole())
    return {name: tensor.clone() for name, tensor in state.items()}


def set_weights(run, weights):
    """Give the module the weights that `copy_of_weights` returned."""
    states().set_model_state_dict(run.module, weights, options=whole())


def save_weights(run, path):
    """Write the module's weights as safetensors."""
    state = states().get_model_state_dict(run.module, options=whole())
    if run.is_main:
        state = {name: tensor.contiguous() for name, tensor in state.items()}
        write(path, lambda partial: save_file(state, partial))


def load_weights(run, path):
    """Give the module the weights of a safetensors file."""
    states().set_model_state_dict(run.module, load_file(path), options=whole())


def states():
    """Return torch's functions for the state of many processes; importing them takes a second."""
    from torch.distributed.checkpoint import state_dict

    return state_dict


def whole():
    """Return the options for state that is whole in the first process, and read there."""
    several = world_size() > 1
    return states().StateDictOptions(
        full_state_dict=True, cpu_offload=True, broadcast_from_rank0=several
    )


def write(path, save):
    """Write a file beside its place and move it there: an interruption leaves the older one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    save(partial)
    os.replace(partial, path)


def figures_state(figures):
    """Return the sums of an epoch's figures over all processes."""
    metrics = {}
    for name, metric in figures.metrics.items():
        metric.sync_on_compute = True
        with metric.sync_context(should_unsync=True):
            metrics[name] = {k: v.clone() for k, v in metric.metric_state.items()}
    sums = {name: float(total) for name, total in figures.sums.items()}
    return {"sums": sums, "samples": figures.samples, "metrics": metrics}


def load_figures(figures, state, *, main):
    """Go on with an epoch's figures; those of all processes before are in the first one now."""
    figures.sums, figures.samples = dict(state["sums"]), state["samples"]
    for name, metric in figures.metrics.items():
        if main:
            for key, value in state["metrics"][name].items():
                setattr(metric, key, value.to(metric.device))
            metric._update_count = 1
