"""Spectrograms of sound."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from torchtwin.nn.fourier import stft_pair
from torchtwin.nn.same import same_padding


def mel_matrix(bins: int, frequencies: int, rate: float, low: float, high: float) -> torch.Tensor:
    """Return the (frequencies, bins) weights of triangles between two frequencies in Hertz.

    The triangles have equal widths on the mel scale. The lowest frequency, 0, counts nowhere.
    """
    at = 1127 * torch.log(1 + torch.linspace(0, rate / 2, frequencies)[1:, None] / 700)
    first, last = (1127 * math.log(1 + hertz / 700) for hertz in (low, high))
    edges = torch.linspace(first, last, bins + 2)
    up = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    return F.pad(torch.minimum(up, down).clamp(min=0), (0, 0, 1, 0))


class MelSpectrogram(nn.Module):
    """Turns signals, (B, T) or (T,), into the loudness of tones, (B, bins, windows).

    With `decibels` it is 10 log10 of it over `reference`, at least `lowest` under that, and no
    more than `span` under the loudest.
    """

    mel: torch.Tensor

    def __init__(self, *, fft_length: int = 2048, stride: int = 512, length: int | None = None,
                 window: Any = "hann", rate: int = 16000, bins: int = 128, low: float = 20.0,
                 high: float | None = None, decibels: bool = True, span: float = 80.0,
                 power: float = 2.0, lowest: float = 1e-10,
                 reference: float = 1.0) -> None:  # fmt: skip
        super().__init__()
        self.fft_length, self.stride, self.power = fft_length, stride, power
        self.decibels, self.span, self.lowest, self.reference = decibels, span, lowest, reference
        self.length, self.window = length or fft_length, window
        mel = mel_matrix(bins, fft_length // 2 + 1, rate, low, high or int(rate / 2))
        self.register_buffer("mel", mel, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        real, imag = stft_pair(
            x.to(self.mel.dtype), self.length, self.stride, self.fft_length, self.window
        )
        y = ((real**2 + imag**2).sqrt() ** self.power @ self.mel).mT
        if self.decibels:
            reference = 10 * math.log10(max(abs(self.reference), self.lowest))
            y = 10 * y.clamp(min=self.lowest).log10() - reference
            y = torch.maximum(y, y.max() - self.span)
        return y


class STFTSpectrogram(nn.Module):
    """Turns signals, (B, C, T), into their short-time Fourier transforms.

    The waves are weights, (frequencies, 1, length), and can be trained. The result is
    (B, C * frequencies, windows), or (B, C, windows, frequencies) with `image`. `mode` is
    "log", "magnitude", "psd", "real", "imag", "angle" or "stft", both parts one after another.
    """

    def __init__(self, frequencies: int, length: int, step: int, mode: str = "log",
                 same: bool = False, image: bool = False) -> None:  # fmt: skip
        super().__init__()
        self.step, self.mode, self.same, self.image = step, mode, same, image
        if mode != "imag":
            self.real = nn.Parameter(torch.zeros(frequencies, 1, length))
        if mode != "real":
            self.imag = nn.Parameter(torch.zeros(frequencies, 1, length))

    def part(self, x: torch.Tensor, waves: torch.Tensor) -> torch.Tensor:
        """Return one part, (B, C, frequencies, windows)."""
        flat = x.flatten(0, 1)[:, None]
        if self.same:
            flat = F.pad(flat, same_padding(x.shape[2:], waves.shape[2:], (self.step,), (1,)))
        return F.conv1d(flat, waves.to(x.dtype), stride=self.step).unflatten(0, x.shape[:2])

    def transform(self, x: torch.Tensor) -> torch.Tensor:
        if self.mode in ("real", "imag"):
            return self.part(x, self.real if self.mode == "real" else self.imag)
        real, imag = self.part(x, self.real), self.part(x, self.imag)
        if self.mode == "angle":
            return torch.atan2(imag, real)
        if self.mode == "stft":
            return torch.cat([real, imag], 2)
        power = real**2 + imag**2
        if self.mode == "psd":  # frequencies below zero are those above it
            return power + F.pad(power[:, :, 1:-1], (0, 0, 1, 1))
        magnitude = power.clamp(min=1e-7).sqrt()
        return magnitude if self.mode == "magnitude" else magnitude.log()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.transform(x)
        return y.transpose(2, 3) if self.image else y.flatten(1, 2)
