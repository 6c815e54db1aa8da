"""Blocks of pixels as channels, and classes as vectors, with channels last."""

from __future__ import annotations

import torch


def multi_hot_rows(x: torch.Tensor, classes: int, axis: int = -1) -> torch.Tensor:
    """Return which classes occur in each row; a single row without a batch is one row."""
    hot = x.long()[..., None] == torch.arange(classes, device=x.device)
    return hot.movedim(-1, axis).any(1 if x.dim() > 1 else 0)


def depth_to_blocks(x: torch.Tensor, size: int) -> torch.Tensor:
    """Move channels, which are last, into blocks of size x size pixels.

    The place in the block counts before the channel; in pixel_shuffle it counts after.
    """
    b, h, w, c = x.shape
    blocks = x.reshape(b, h, w, size, size, c // size**2).transpose(2, 3)
    return blocks.reshape(b, h * size, w * size, c // size**2)


def blocks_to_depth(x: torch.Tensor, size: int) -> torch.Tensor:
    """Move blocks of size x size pixels into the channels, which are last; see depth_to_blocks."""
    b, h, w, c = x.shape
    blocks = x.reshape(b, h // size, size, w // size, size, c).transpose(2, 3)
    return blocks.reshape(b, h // size, w // size, c * size**2)
