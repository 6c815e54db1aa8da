"""Carries an optimizer's state on from where another training stopped."""

from __future__ import annotations

from safetensors.torch import load_file


def load_optimizer_state(optimizer, module, path):
    """Fill the optimizer from a file of tensors; return the step at which training stopped.

    The file holds `<state>.<parameter>` for what is kept of each parameter, "step", and
    "learning_rate" where it is no function of the step.
    """
    tensors = load_file(path)
    step = int(tensors.pop("step"))
    rates = tensors.pop("learning_rate", None)
    scale = optimizer.param_groups[0]
    for name in ("loss_scale", "finite_steps"):
        if name in tensors:
            scale[name] = type(scale[name])(tensors.pop(name))
    if rates is not None:
        for group in optimizer.param_groups:
            group["lr"] = float(rates.reshape(-1)[group.get("optimizer", 0)])
    parameters = dict(module.named_parameters())
    for key, tensor in tensors.items():
        kind, _, name = key.partition(".")
        p = parameters[name]
        number = kind in ("step", "mu_product")
        optimizer.state[p][kind] = tensor if number else placed(tensor, p)
    return step


def placed(tensor, p):
    """Return a tensor where the parameter is, in pieces as that when it is sharded."""
    tensor = tensor.to(p.device, p.dtype)
    if not hasattr(p, "placements"):
        return tensor
    from torch.distributed.tensor import Replicate, distribute_tensor

    mesh = p.device_mesh
    pieces = p.placements if tensor.shape == p.shape else [Replicate()] * mesh.ndim
    return distribute_tensor(tensor, mesh, pieces)
