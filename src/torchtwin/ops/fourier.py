"""Fourier transforms, complex numbers and frames of signals."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call, unpack
from torchtwin.nn.fourier import (
    frames_of,
    irfft_pair,
    istft_pair,
    rfft_pair,
    stft_pair,
    transform_pair,
    windowed_fft,
)
from torchtwin.ops.functions import named
from torchtwin.ops.registry import expr, op
from torchtwin.ops.values import is_whole, tensor
from torchtwin.rule import Case
from torchtwin.view import Tensor

PAIR = [(2, 4, 8), (2, 4, 8)]


def _pair(x: Any) -> tuple[Any, bool]:
    """Return a pair of tensors as an expression, and whether they are known."""
    if not isinstance(x, list | tuple):
        return expr(x), False
    if len(x) != 2:
        raise UnsupportedError("a complex tensor is a pair of real ones")
    both = [tensor(part) for part in x]
    return tuple(t.expr for t in both), all(t.known for t in both)


def _parts(pair: Any, known: bool) -> Any:
    return unpack(pair, "real", "imag") if known else pair


def _complex(how: str) -> Any:
    def transform(x: Any) -> Any:
        pair, known = _pair(x)
        return _parts(call(transform_pair, pair, how), known)

    return transform


for _name, _how in {"FFT": "fft", "FFT2": "fft2", "IFFT2": "ifft2"}.items():
    op(_name)(_complex(_how))


@op("RFFT", cases=[Case({"fft_length": 5}, (2, 8))])
def rfft(x: Any, fft_length: Any = None) -> Any:
    t = tensor(x)
    return _parts(call(rfft_pair, t.expr, length=expr(fft_length)), t.known)


@op("IRFFT")
def irfft(x: Any, fft_length: Any = None) -> Any:
    return call(irfft_pair, _pair(x)[0], length=expr(fft_length))


@op("STFT", cases=[
    Case({"sequence_length": 8, "sequence_stride": 4, "fft_length": 10}, (2, 20)),
])  # fmt: skip
def stft(
    x: Any, sequence_length: Any, sequence_stride: Any, fft_length: Any, window: Any = "hann",
    center: Any = True,
) -> Any:  # fmt: skip
    t = tensor(x)
    sizes = map(expr, (sequence_length, sequence_stride, fft_length))
    pair = call(stft_pair, t.expr, *sizes, window=_window(window), center=expr(center))
    return _parts(pair, t.known)


@op("ISTFT")
def istft(
    x: Any, sequence_length: Any, sequence_stride: Any, fft_length: Any, length: Any = None,
    window: Any = "hann", center: Any = True,
) -> Any:  # fmt: skip
    sizes = map(expr, (sequence_length, sequence_stride, fft_length))
    more = {"samples": expr(length), "window": _window(window), "center": expr(center)}
    return call(istft_pair, _pair(x)[0], *sizes, **more)


def _window(window: Any) -> Any:
    if isinstance(window, str) and window not in ("hann", "hamming"):
        raise UnsupportedError(f"the window {window!r} is not translated")
    return expr(window)


@op("ExtractSequences", cases=[Case({"sequence_length": 4, "sequence_stride": 3}, (2, 11))])
def extract_sequences(x: Any, sequence_length: Any, sequence_stride: Any) -> Any:
    return tensor(x).expr.unfold(-1, expr(sequence_length), expr(sequence_stride))


@op("ViewAsComplex")
def view_as_complex(x: Any) -> Any:
    return call(torch.view_as_complex, tensor(x).expr.contiguous())


@op("ViewAsReal")
def view_as_real(x: Any) -> Any:
    x = tensor(x)
    if x.known and not x.dtype.startswith("complex"):
        return call(torch.stack, [x.expr, call(torch.zeros_like, x.expr)], dim=-1)
    return call(torch.view_as_real, x.expr)


@op("Polar")
def polar(abs_: Any, angle: Any) -> Any:
    return call(torch.polar, tensor(abs_).expr, tensor(angle).expr)


TRANSFORMS = {
    "fft": torch.fft.fft, "ifft": torch.fft.ifft, "fft2d": torch.fft.fft2,
    "ifft2d": torch.fft.ifft2,
}  # fmt: skip
THREE = {"fft3d": torch.fft.fftn, "ifft3d": torch.fft.ifftn}


def _transform(function: Any, axes: tuple[int, ...] | None) -> Any:
    def transform(input: Tensor) -> Any:  # noqa: A002
        return call(function, input.expr, **({} if axes is None else {"dim": axes}))

    return transform


for _name, _function in TRANSFORMS.items():
    named(f"tf.signal.{_name}")(_transform(_function, None))
for _name, _function in THREE.items():
    named(f"tf.signal.{_name}")(_transform(_function, (-3, -2, -1)))


def _real(function: Any, rank: int) -> Any:
    def transform(input_tensor: Tensor, fft_length: Any = None) -> Any:
        x = input_tensor.expr
        if fft_length is None:
            return call(function, x)
        if not isinstance(fft_length, list | tuple):
            raise UnsupportedError("a transform of a length that the program computes")
        lengths = [expr(n) for n in fft_length]
        return call(function, x, lengths[0] if rank == 1 else tuple(lengths))

    return transform


for _name, _function, _rank in (("rfft", torch.fft.rfft, 1), ("irfft", torch.fft.irfft, 1),
                                ("rfft2d", torch.fft.rfft2, 2), ("irfft2d", torch.fft.irfft2, 2),
                                ):  # fmt: skip
    named(f"tf.signal.{_name}")(_real(_function, _rank))


def _shift(function: Any) -> Any:
    def shift(x: Tensor, axes: Any = None) -> Any:
        return call(function, x.expr, **({} if axes is None else {"dim": expr(axes)}))

    return shift


named("tf.signal.fftshift")(_shift(torch.fft.fftshift))
named("tf.signal.ifftshift")(_shift(torch.fft.ifftshift))
WINDOWS = {"hann_window": torch.hann_window, "hamming_window": torch.hamming_window}


def _made(function: Any) -> Any:
    def window(window_length: Any, periodic: Any = True) -> Any:
        more = {} if periodic is True else {"periodic": expr(periodic)}
        return call(function, expr(window_length), **more)

    return window


for _name, _function in WINDOWS.items():
    named(f"tf.signal.{_name}")(_made(_function))


@named("tf.signal.frame")
def frame(
    signal: Tensor, frame_length: Any, frame_step: Any, pad_end: Any = False, pad_value: Any = 0,
    axis: Any = -1,
) -> Any:  # fmt: skip
    more = {"pad_end": expr(pad_end), "pad_value": expr(pad_value), "axis": expr(axis)}
    if is_whole(pad_value):
        more["pad_value"] = float(pad_value)
    return call(frames_of, signal.expr, expr(frame_length), expr(frame_step), **more)


@named("tf.signal.stft")
def tf_stft(
    signals: Tensor, frame_length: Any, frame_step: Any, fft_length: Any = None,
    window_fn: Any = ..., pad_end: Any = False,
) -> Any:  # fmt: skip
    if window_fn is not None and window_fn is not ...:
        raise UnsupportedError("tf.signal.stft with a window of one's own is not translated")
    more = {"fft_length": expr(fft_length), "pad_end": expr(pad_end)}
    if window_fn is None:
        more["window"] = None
    return call(windowed_fft, signals.expr, expr(frame_length), expr(frame_step), **more)


@named("tf.complex")
def complex_(real: Tensor, imag: Tensor) -> Any:
    return call(torch.complex, real.expr, imag.expr)
