"""MelSpectrogram and STFTSpectrogram."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.nn import spectrogram
from torchtwin.rule import CHANNELS_FIRST, Case, Piece, rule
from torchtwin.view import LayerView

WORDS = {
    "fft_length": "fft_length", "sequence_stride": "stride", "sequence_length": "length",
    "window": "window", "sampling_rate": "rate", "num_mel_bins": "bins", "min_freq": "low",
    "max_freq": "high", "power_to_db": "decibels", "top_db": "span", "mag_exp": "power",
    "min_power": "lowest", "ref_power": "reference",
}  # fmt: skip
"""Keras's names of arguments, and those of the module."""
LONGEST = 1 << 20

_SHORT = {"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 6, "sampling_rate": 1000}


@rule(
    "MelSpectrogram",
    cases=[
        Case(_SHORT, (2, 200), single=True),
        Case({**_SHORT, "sequence_length": 50, "window": "hamming", "power_to_db": False},
             (2, 200), "loudness", single=True),
        Case({**_SHORT, "window": None, "min_freq": 50.0, "max_freq": 300, "mag_exp": 1.0,
              "ref_power": 2.0, "top_db": 20.0, "min_power": 1e-3},
             (2, 200), "within bounds", single=True),
    ],
)  # fmt: skip
def mel_spectrogram(layer: LayerView) -> Piece:
    if layer.input.rank not in (1, 2):
        raise UnsupportedError(f"MelSpectrogram of a tensor of rank {layer.input.rank}")
    given: dict[str, Any] = {word: layer[name] for name, word in WORDS.items()}
    _lengths(given["fft_length"], given["stride"], given["bins"], given["length"] or 1)
    if isinstance(given["window"], tuple):
        given["window"] = list(given["window"])
    elif given["window"] not in ("hann", "hamming", None):
        raise UnsupportedError(f"MelSpectrogram(window={given['window']!r}) is not translated")
    if given["length"] == given["fft_length"]:
        given["length"] = None
    if given["high"] == int(given["rate"] / 2):
        given["high"] = None
    return Piece(module=call(spectrogram.MelSpectrogram, **given))


def _lengths(*values: Any) -> None:
    """Refuse lengths for which nobody has the memory."""
    if not all(isinstance(n, int) and 0 < n <= LONGEST for n in values):
        raise UnsupportedError(f"a spectrogram with lengths {values}")


MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
_STFT = {"frame_length": 16, "frame_step": 5}


@rule(
    "STFTSpectrogram",
    layout=CHANNELS_FIRST,
    cases=[
        *(Case({**_STFT, "mode": mode}, (2, 40, 2), mode) for mode in MODES),
        Case({**_STFT, "padding": "same", "expand_dims": True}, (2, 38, 2), "as an image"),
        Case({**_STFT, "padding": "same", "data_format": "channels_first", "mode": "stft"},
             (2, 2, 38), "channels first"),
        Case({**_STFT, "expand_dims": True, "data_format": "channels_first", "fft_length": 64},
             (2, 2, 38), "an image, channels first"),
    ],
)  # fmt: skip
def stft_spectrogram(layer: LayerView) -> Piece:
    mode, length = layer["mode"], layer["frame_length"]
    if mode not in MODES:
        raise UnsupportedError(f"STFTSpectrogram(mode={mode!r}) is not translated")
    _lengths(length, layer["frame_step"] or 1, layer["fft_length"] or 1)
    width: int = layer["fft_length"] or 1 << (length - 1).bit_length()
    layer.ignore("window", "periodic", "scaling", "data_format")  # they made the weights
    image = layer["expand_dims"]
    layout = ((0, 3, 1, 2) if image else (0, 2, 1)) if layer.input.layout else None
    waves = "{}_kernel: length one frequencies -> frequencies one length"
    parts = [part for part in ("real", "imag") if mode not in {"real", "imag"} - {part}]
    return Piece(
        module=call(
            spectrogram.STFTSpectrogram, width // 2 + 1, length,
            layer["frame_step"] or length // 2, mode=mode, same=layer["padding"] == "same",
            image=image,
        ),
        weights={part: waves.format(part) for part in parts},
        layout=layout,
    )  # fmt: skip
