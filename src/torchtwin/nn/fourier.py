"""Fourier transforms whose complex tensors are pairs of real ones, and frames of signals."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F


def transform_pair(x: Any, how: str = "fft") -> tuple[torch.Tensor, torch.Tensor]:
    """Transform a (real, imaginary) pair; `how` is "fft", "fft2" or "ifft2"."""
    y = getattr(torch.fft, how)(torch.complex(*x))
    return y.real, y.imag


def rfft_pair(x: torch.Tensor, length: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Transform a real signal; return the (real, imaginary) pair."""
    y = torch.fft.rfft(x, length)
    return y.real, y.imag


def irfft_pair(x: Any, length: int | None = None) -> torch.Tensor:
    """Transform a (real, imaginary) pair back to the real signal."""
    return torch.fft.irfft(torch.complex(*x), length)


def fft_window(window: Any, length: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """Return a window of `length`, by name or value, in the middle of zeros of `width`."""
    if window is None:
        return like.new_ones(width)
    if isinstance(window, str):
        made = {"hann": torch.hann_window, "hamming": torch.hamming_window}[window]
        window = made(length, dtype=like.dtype, device=like.device)
    before = (width - length) // 2
    return F.pad(torch.as_tensor(window).to(like), (before, width - length - before))


def stft_pair(
    x: torch.Tensor,
    length: int,
    stride: int,
    width: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Transform windows of a signal, (..., time) to (..., windows, frequencies), as a pair.

    torch.stft takes two axes at most.
    """
    if center:
        at = torch.arange(-(width // 2), x.shape[-1] + width // 2, device=x.device).abs()
        last = x.shape[-1] - 1
        x = x[..., last - (last - at).abs()]
    y = torch.fft.rfft(x.unfold(-1, width, stride) * fft_window(window, length, width, x))
    return y.real, y.imag


def istft_pair(
    x: Any,
    length: int,
    stride: int,
    width: int,
    samples: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> torch.Tensor:
    """Return the signal whose windows have this (real, imaginary) pair as transform.

    Where windows overlap, the sum is divided by that of their squares: of as many windows as
    overlap in the middle of a signal, at its ends too. Without a window nothing is divided.
    """
    frames = torch.fft.irfft(torch.complex(*x), width)
    if window is not None:
        shape = fft_window(window, length, width, frames)
        overlaps = -(-width // stride)
        norm = F.pad(shape.square(), (0, overlaps * stride - width)).view(overlaps, stride).sum(0)
        norm = norm.repeat(overlaps)[:width]
        frames = frames * shape / torch.where(norm > 1e-10, norm, 1.0)
    signal = overlap_add(frames, stride)
    total = signal.shape[-1]
    start = width // 2 if center else 0
    end = total - start if samples is None else start + samples
    return signal[..., start:end]


def overlap_add(frames: torch.Tensor, stride: int) -> torch.Tensor:
    """Add frames (..., n, width), each `stride` behind the one before, to one signal."""
    n, width = frames.shape[-2:]
    columns = frames.reshape(-1, n, width).mT
    total = width + stride * (n - 1)
    signal = F.fold(columns, (1, total), (1, width), stride=(1, stride))
    return signal.reshape(*frames.shape[:-2], total)


def frames_of(
    x: torch.Tensor,
    length: int,
    step: int,
    pad_end: bool = False,
    pad_value: float = 0.0,
    axis: int = -1,
) -> torch.Tensor:
    """Cut one axis into frames, (windows, length) in its place; `pad_end` fills up the last."""
    axis = axis % x.dim()
    x = x.movedim(axis, -1)
    if pad_end:
        count = -(-x.shape[-1] // step)
        missing = max(length + step * (count - 1) - x.shape[-1], 0)
        x = F.pad(x, (0, missing), value=pad_value)
    return x.unfold(-1, length, step).movedim((-2, -1), (axis, axis + 1))


def windowed_fft(
    x: torch.Tensor,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window: Any = torch.hann_window,
    pad_end: bool = False,
) -> torch.Tensor:
    """Transform frames of a signal, not centered, each filled up to a power of two."""
    width = 1 << (frame_length - 1).bit_length() if fft_length is None else fft_length
    frames = frames_of(x, frame_length, frame_step, pad_end)
    if window is not None:
        frames = frames * window(frame_length, dtype=x.dtype, device=x.device)
    return torch.fft.rfft(frames, width)
