"""What mixed precision changes in training: Keras's policies are not quite PyTorch's autocast."""

from __future__ import annotations

AUTOCAST = (
    "Keras computes whole layers in {precision}, those of a float32 policy in float32; here"
    " torch.autocast chooses for each operation, and losses are computed from float32. Losses of"
    " small {models} models differed from Keras's by up to {first} % in the first step and {last} %"
    " after 20 steps of Adam(0.01)."
)
OVERFLOW = (
    "In float16 Keras's gradients of a softmax or sigmoid overflow more easily than those of"
    " logits, so that it leaves out first steps that are taken here: 7 % after 20 steps."
)
"""What was measured on a CPU, over three seeds, against Keras 3.15 on JAX and TensorFlow."""


def of_precision(precision: str | None) -> tuple[str, ...]:
    """Return sentences on what differs where the model computes in a lower precision."""
    match precision:
        case "bfloat16":
            models = "dense, convolutional and recurrent"
            told = AUTOCAST.format(precision=precision, models=models, first=0.06, last=2.1)
            return (told,)
        case "float16":
            models = "dense and convolutional"  # a CPU has no LSTM in float16 to measure
            told = AUTOCAST.format(precision=precision, models=models, first=0.005, last=0.7)
            return told, OVERFLOW
    return ()
