"""One process or several: torch.distributed, started by torchrun."""

from __future__ import annotations

import os
import time

import torch
import torch.distributed as dist


def rank():
    return dist.get_rank() if dist.is_initialized() else 0


def world_size():
    return dist.get_world_size() if dist.is_initialized() else 1


def all_sum(x):
    """Return the sum of `x` over all processes."""
    if world_size() > 1:
        x = x.clone()
        dist.all_reduce(x)
    return x


def start_processes():
    """Join the other processes when torchrun started this one; return the device to use."""
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def end_processes():
    """Leave together: a process that ends while others still talk to it can crash.

    So can one that ends while a thread of gloo still frees a tensor. These threads outlive the
    group while a module holds it (DDP, FSDP's caches), so they are given the time.
    """
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()
        time.sleep(0.5)
