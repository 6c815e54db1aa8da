"""Tensors read at places between their entries, and images moved by such places."""

from __future__ import annotations

from typing import Any

import torch


def places_inside(index: torch.Tensor, size: int, mode: str) -> torch.Tensor:
    """Return where an axis is read beyond its ends, by mode."""
    if mode == "wrap":
        return index % size
    if mode == "mirror":
        return ((index + size - 1) % max(2 * (size - 1), 1) - (size - 1)).abs()
    if mode == "reflect":
        double = ((2 * index + 1 + 2 * size) % (4 * size) - 2 * size).abs()
        return (double - 1).div(2, rounding_mode="floor")
    return index.clamp(0, size - 1)


def sample_at(
    x: torch.Tensor, coordinates: Any, order: int = 1, mode: str = "constant", fill: float = 0.0
) -> torch.Tensor:
    """Read `x` at coordinates, one tensor for each of its first axes, as the result's places.

    `order` is 0 for the nearest entry and 1 for straight lines between them. `mode` says what is
    beyond the ends: "constant" (`fill`), "nearest", "wrap", "mirror" or "reflect".
    """
    nodes = []
    for place in coordinates:
        if order == 0:
            near = place.sign() * (place.abs() + 0.5).floor()  # halves away from zero
            nodes.append([(near.long(), torch.ones_like(place))])
        else:
            low = place.floor()
            nodes.append([(low.long(), 1 - place + low), (low.long() + 1, place - low)])
    sizes, rest = x.shape[: len(nodes)], x.dim() - len(nodes)
    corners: list[list[Any]] = [[]]
    for ends in nodes:
        corners = [[*corner, end] for corner in corners for end in ends]
    result: Any = 0
    for corner in corners:
        index = [places_inside(k, n, mode) for (k, _), n in zip(corner, sizes, strict=True)]
        weight, inside = torch.ones_like(corner[0][1]), torch.ones_like(corner[0][0]).bool()
        for (k, w), n in zip(corner, sizes, strict=True):
            weight, inside = weight * w, inside & (k >= 0) & (k < n)
        shape = [*weight.shape, *[1] * rest]
        value = x[tuple(index)]
        if mode == "constant":
            value = torch.where(inside.view(shape), value, fill)
        result = result + weight.view(shape) * value
    if not x.is_floating_point():
        result = result.sign() * (result.abs() + 0.5).floor()
    return result.to(x.dtype)


def sample_images(x: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, *how: Any) -> Any:
    """Read each image of (B, H, W, C) at its own rows and columns, (B, h, w)."""
    each = zip(x, rows, columns, strict=True)
    return torch.stack([sample_at(image, (row, column), *how) for image, row, column in each])


def as_batch(x: torch.Tensor, channels_first: bool) -> torch.Tensor:
    """Return images as (B, H, W, C)."""
    x = x[None] if x.dim() == 3 else x
    return x.movedim(1, -1) if channels_first else x


def as_given(y: torch.Tensor, x: torch.Tensor, channels_first: bool) -> torch.Tensor:
    """Return images (B, H, W, C) as `x` was."""
    y = y.movedim(-1, 1) if channels_first else y
    return y[0] if x.dim() == 3 else y


def transform_affine(
    x: torch.Tensor,
    transform: torch.Tensor,
    mode: str = "bilinear",
    fill_mode: str = "constant",
    fill: float = 0.0,
    channels_first: bool = False,
) -> torch.Tensor:
    """Read images at (a0 x + a1 y + a2, b0 x + b1 y + b2) / (c0 x + c1 y + 1)."""
    images = as_batch(x, channels_first)
    transform = torch.as_tensor(transform, device=x.device).to(images.dtype)
    a0, a1, a2, b0, b1, b2, c0, c1 = transform.reshape(-1, 8)[:, :, None, None].unbind(1)
    row = torch.arange(images.shape[1], device=x.device, dtype=images.dtype)[:, None]
    column = torch.arange(images.shape[2], device=x.device, dtype=images.dtype)
    shape = (len(images), *images.shape[1:3])
    below = c0 * column + c1 * row + 1
    rows = ((b0 * column + b1 * row + b2) / below).expand(shape)
    columns = ((a0 * column + a1 * row + a2) / below).expand(shape)
    order = 0 if mode == "nearest" else 1
    return as_given(sample_images(images, rows, columns, order, fill_mode, fill), x, channels_first)


def homography(start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """Return the eight numbers of the perspective that takes four end points to start points."""
    (sx, sy), (ex, ey) = start.unbind(-1), end.unbind(-1)
    zero, one = torch.zeros_like(ex), torch.ones_like(ex)
    rows = torch.stack([ex, ey, one, zero, zero, zero, -sx * ex, -sx * ey], -1)
    columns = torch.stack([zero, zero, zero, ex, ey, one, -sy * ex, -sy * ey], -1)
    return torch.linalg.solve(torch.cat([rows, columns], 1), torch.cat([sx, sy], -1)[..., None])[
        ..., 0
    ]


def transform_perspective(
    x: torch.Tensor,
    start: Any,
    end: Any,
    mode: str = "bilinear",
    fill: float = 0.0,
    channels_first: bool = False,
) -> torch.Tensor:
    """Move images so that their four start points come to the end points."""
    images = as_batch(x, channels_first)
    points = [torch.as_tensor(p, device=x.device).float().reshape(-1, 4, 2) for p in (start, end)]
    t = homography(*points)[:, :, None, None].unbind(1)
    row = torch.arange(images.shape[1], device=x.device)[:, None]
    column = torch.arange(images.shape[2], device=x.device)
    below = t[6] * column + t[7] * row + 1
    shape = (len(images), *images.shape[1:3])
    columns = ((t[0] * column + t[1] * row + t[2]) / below).expand(shape)
    rows = ((t[3] * column + t[4] * row + t[5]) / below).expand(shape)
    order = 0 if mode == "nearest" else 1
    return as_given(
        sample_images(images, rows, columns, order, "constant", fill), x, channels_first
    )
