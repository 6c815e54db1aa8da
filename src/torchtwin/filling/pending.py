"""Weights that wait for a module's first call, which makes its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from torchtwin.errors import UnreadableModel
from torchtwin.filling.assign import fill
from torchtwin.filling.lazy import is_torch_lazy, waits_for_a_call
from torchtwin.nn.lazy import tensors_of

WAITING = "weights of Keras wait for the first call of"
HINT = "call the whole module first, or give load_keras_weights inputs: (module, weights, x)"


def built(
    module: nn.Module,
    arrays: Sequence[np.ndarray],
    inputs: Sequence[Any],
    arguments: Mapping[str, Any],
) -> None:
    """Build a module by a call that changes nothing else, and fill it."""
    with unchanged(module, inputs):
        module(*inputs, **arguments)
    fill(module, arrays, called=True)


class Pending:
    """Arrays that fill a module at its first call, before anything is computed with it.

    Until then its submodules cannot be called without it, nor its state be saved: what they hold
    is not what Keras has. Where the arrays fill just what is built already (`filled`), both can;
    the first call sees whether there is more to fill.
    """

    def __init__(
        self, module: nn.Module, arrays: Sequence[np.ndarray], *, filled: bool = False
    ) -> None:
        self.arrays = arrays
        module.register_forward_pre_hook(self.first_call, prepend=True, with_kwargs=True)
        if filled:
            return
        hooked: Any = module  # these two have no annotations in torch
        hooked.register_state_dict_pre_hook(self.saved)
        hooked.register_load_state_dict_post_hook(self.loaded)
        for child in list(module.modules())[1:]:
            child.register_forward_pre_hook(_Guard(type(module).__name__), prepend=True)

    def first_call(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Build and fill the module before its first call goes on."""
        self.drop(module)
        try:
            built(module, self.arrays, args, kwargs)
        except BaseException:
            Pending(module, self.arrays)  # a second call must not go on without the weights
            raise

    def saved(self, module: nn.Module, *_: Any) -> None:
        raise UnreadableModel(f"{WAITING} {type(module).__name__}", hint=HINT)

    def loaded(self, module: nn.Module, _: Any) -> None:
        """A state dict that is loaded meanwhile counts instead."""
        self.drop(module)

    @staticmethod
    def drop(module: nn.Module) -> None:
        """Forget what waits for a module's first call."""
        for part in module.modules():
            hooks = part._forward_pre_hooks, part._state_dict_pre_hooks
            for found in (*hooks, part._load_state_dict_post_hooks):
                for key in [k for k, hook in found.items() if _is_ours(hook)]:
                    del found[key]
                    part._forward_pre_hooks_with_kwargs.pop(key, None)


class _Guard:
    """Stands before a submodule that would compute with weights which are not Keras's."""

    def __init__(self, root: str) -> None:
        self.root = root

    def __call__(self, module: nn.Module, _: Any) -> None:
        raise UnreadableModel(
            f"{WAITING} {self.root}: {type(module).__name__} cannot be called before", hint=HINT
        )


def _is_ours(hook: Any) -> bool:
    return isinstance(getattr(hook, "__self__", hook), Pending | _Guard)


@contextmanager
def unchanged(module: nn.Module, inputs: Sequence[Any]) -> Iterator[None]:
    """Let a call build what is not built; all else is afterwards as it was before."""
    waiting = [m for m in module.modules() if waits_for_a_call(m)]
    modes = {m: m.training for m in module.modules()}
    buffers = [(m, k, b) for m in module.modules() for k, b in m._buffers.items()]
    kept = [_Buffer(m, k, b) for m, k, b in buffers if b is not None]
    plain = [_Attributes(m) for m in module.modules() if m not in waiting and not is_torch_lazy(m)]
    measured = [_State(v) for m in module.modules() for v in vars(m).values() if _measures(v)]
    module.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=_devices(module, inputs)):
            yield
    finally:
        _restore_modes(module, modes[module], modes)
        for buffer in kept:
            buffer.restore()
        for attributes in plain:
            attributes.restore()
        for state in measured:
            state.restore()
        for owner in waiting:
            if callable(reset := getattr(owner, "reset_state", None)):  # a stateful recurrent layer
                reset()
            vars(owner).get("losses", []).clear()  # this call is none of the program's


class _Buffer:
    """A buffer of a module, and what it holds."""

    def __init__(self, module: nn.Module, name: str, tensor: torch.Tensor) -> None:
        self.module, self.name, self.tensor = module, name, tensor
        self.value = None if is_lazy(tensor) else tensor.detach().clone()

    def restore(self) -> None:
        if self.value is not None:
            self.module._buffers[self.name] = self.tensor
            self.tensor.copy_(self.value)


class _Attributes:
    """The attributes of a module that are neither parameters, buffers nor modules."""

    def __init__(self, module: nn.Module) -> None:
        own = vars(module).items()
        self.module = module
        self.values = {k: v for k, v in own if not k.startswith("_") and k != "training"}
        self.copies = {k: copy(v) for k, v in self.values.items() if isinstance(v, list | dict)}

    def restore(self) -> None:
        vars(self.module).update(self.values)
        for name, before in self.copies.items():
            held = self.values[name]
            held.clear()
            held.update(before) if isinstance(held, dict) else held.extend(before)


def _measures(value: Any) -> bool:
    """Tell whether an attribute of a module is a metric, to which a call adds."""
    return callable(getattr(value, "update_state", None)) and not isinstance(value, type)


class _State:
    """What a metric has counted."""

    def __init__(self, metric: Any) -> None:
        self.metric, self.values = metric, deepcopy(vars(metric))

    def restore(self) -> None:
        vars(self.metric).clear()
        vars(self.metric).update(self.values)


def _restore_modes(module: nn.Module, mode: bool, modes: Mapping[nn.Module, bool]) -> None:
    """Give each module its mode again; what was made meanwhile has that of its owner."""
    module.training = modes.get(module, mode)
    for child in module.children():
        _restore_modes(child, module.training, modes)


def _devices(module: nn.Module, inputs: Sequence[Any]) -> list[torch.device]:
    """Return the devices, beside the CPU, whose random numbers a call may use."""
    tensors = [*module.parameters(), *module.buffers()]
    tensors += tensors_of(list(inputs))  # type: ignore[no-untyped-call]
    return list({x.device for x in tensors if x.device.type == "cuda"})
