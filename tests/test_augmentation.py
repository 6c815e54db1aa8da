"""Images changed at random, beside Keras on TensorFlow with the random numbers that it drew."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras.src.layers.preprocessing.image_preprocessing.aug_mix import AUGMENT_LAYERS_ALL

from torchtwin.layers.augmentation_arguments import ARGUMENTS, changes
from torchtwin.view import LayerView

IMAGES = np.random.default_rng(0).uniform(0, 1, (4, 6, 7, 3)).astype("float32")


def numbers(value: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(value, "float32"))


def whole(value: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(value)).long()


def chosen(value: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(value).reshape(-1)).bool()


def columns(value: Any) -> tuple[torch.Tensor, ...]:
    return numbers(value).unbind(1)


def box(t: Any) -> tuple[Any, Any]:
    """Return the columns and rows that masks cover."""
    ends = []
    for mask in np.array(t["batch_masks"])[..., 0]:
        rows, places = np.where(mask)
        ends.append([places.min(), places.max() + 1, rows.min(), rows.max() + 1] if len(rows)
                    else [0, 0, 0, 0])  # fmt: skip
    left, right, top, bottom = columns(ends)
    return (left, right), (top, bottom)


def corners(t: Any) -> tuple[Any, Any]:
    start, end = (np.array(t[k]) for k in ("start_points", "end_points"))
    shares = np.divide(end - start, start, out=np.zeros_like(start), where=start != 0)
    return chosen(t["apply_perspective"]), numbers(shares)


def translated(t: Any) -> tuple[torch.Tensor, torch.Tensor]:
    right, down = columns(t["translations"])
    return down, right


def class_of(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def chains(t: Any) -> Any:
    found = [
        [(AUGMENT_LAYERS_ALL.index(step["layer_name"]),
          DRAWN[class_of(step["layer_name"])](step["transformation"])) for step in chain]
        for chain in t["chain_transforms"]
    ]  # fmt: skip
    return numbers(t["chain_mixing_weights"]), numbers(t["weight_sample"]), found


def policy(t: Any) -> Any:
    kinds = t["transforms"].items()
    return np.array(t["layer_idxes"]).tolist(), [DRAWN[class_of(k)](v) for k, v in kinds]


def factors(t: Any) -> torch.Tensor:
    return numbers(t["factor"])


DRAWN: dict[str, Any] = {
    "RandomRotation": lambda t: numbers(t["angle"]) * np.pi / 180,
    "RandomTranslation": translated,
    "RandomZoom": lambda t: (numbers(t["height_zoom"])[:, 0], numbers(t["width_zoom"])[:, 0]),
    "RandomShear": lambda t: columns(t["shear_factor"]),
    "RandomPerspective": corners,
    "RandomFlip": lambda t: chosen(t["flips"]),
    "RandomContrast": lambda t: numbers(t["contrast_factor"]),
    "RandomBrightness": lambda t: numbers(t["rgb_delta"]),
    "RandomGrayscale": chosen,
    "RandomColorDegeneration": factors,
    "RandomHue": factors,
    "RandomSaturation": factors,
    "RandomSharpness": factors,
    "RandomInvert": lambda t: chosen(t["apply_inversion"]),
    "RandomPosterization": lambda t: whole(t["shift_factor"]),
    "Solarization": lambda t: (numbers(t["additions"]), numbers(t["thresholds"])),
    "RandomGaussianBlur": lambda t: (chosen(t["should_apply_blur"]), numbers(t["blur_factor"])),
    "RandomErasing": lambda t: (
        chosen(t["apply_erasing"]), *box(t), numbers(t["fill_value"]).movedim(-1, 1)
    ),
    "CutMix": lambda t: (whole(t["permutation_order"]), *box(t)),
    "MixUp": lambda t: (whole(t["permutation_order"]), numbers(t["mix_weight"])),
    "RandomCrop": lambda t: tuple(int(k) for k in t),
    "CenterCrop": lambda _: None,
    "RandAugment": policy,
    "AugMix": chains,
    **dict.fromkeys(
        ("AutoContrast", "Equalization", "ContrastLimitedAdaptiveHistogramEqualization"),
        lambda _: None,
    ),
}  # fmt: skip
"""What a module draws, from the transformation that a layer of Keras drew."""

EDGES = [
    {"fill_mode": mode, "interpolation": kind, "fill_value": 9.0}
    for mode, kind in [("reflect", "bilinear"), ("wrap", "bilinear"), ("wrap", "nearest"),
                       ("constant", "bilinear"), ("nearest", "nearest")]
]  # fmt: skip
RANGED = [
    *[(f"Random{name}", {"factor": 0.4}) for name in ("Contrast", "Brightness", "Saturation",
      "ColorDegeneration", "Hue", "Sharpness", "Invert")],
    ("RandomPosterization", {"factor": (2, 6)}),
    ("Solarization", {"addition_factor": 0.3, "threshold_factor": (0.2, 0.8)}),
    ("AutoContrast", {}),
    ("Equalization", {"bins": 200}),
    ("RandomErasing", {"scale": 0.5}),
    ("RandomErasing", {"fill_value": (1.0, 2.0, 3.0), "factor": 0.7}),
    ("RandomGaussianBlur", {"factor": 0.7, "kernel_size": (3, 5), "sigma": (0.2, 0.8)}),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": (3, 2)}),
    ("ContrastLimitedAdaptiveHistogramEqualization",
     {"tile_grid_size": (1, 4), "clip_limit": 40.0}),
]  # fmt: skip
CASES = [
    *[(name, {**config, **edges}) for edges in EDGES for name, config in [
        ("RandomRotation", {"factor": 0.2}),
        ("RandomTranslation", {"height_factor": (-0.9, 0.6), "width_factor": 0.9}),
        ("RandomZoom", {"height_factor": (0.2, 0.7), "width_factor": (-0.5, 0.1)}),
        ("RandomShear", {"x_factor": (0.1, 0.9), "y_factor": (0.0, 1.0)}),
    ]],
    ("RandomZoom", {"height_factor": 0.3}),
    ("RandomPerspective", {"scale": 0.6, "fill_value": 7.0}),
    ("RandomPerspective", {"factor": 0.6, "interpolation": "nearest"}),
    *[("RandomFlip", {"mode": mode})
      for mode in ("horizontal", "vertical", "horizontal_and_vertical")],
    *[(name, {**config, "value_range": span}) for name, config in RANGED
      for span in ((0, 255), (-1, 1))],
    *[(kind, {"height": rows, "width": width}) for kind in ("RandomCrop", "CenterCrop")
      for rows, width in ((3, 4), (6, 5), (9, 2), (4, 12))],
    ("RandomGrayscale", {}),
    ("CutMix", {}),
    ("MixUp", {"alpha": 0.5}),
    ("RandAugment", {"num_ops": 3}),
    ("AugMix", {"num_chains": 2, "chain_depth": 2}),
]  # fmt: skip


def layer_of(name: str, config: dict[str, Any]) -> Any:
    seeded = "seed" in keras.layers.__dict__[name].__init__.__code__.co_varnames
    layer = getattr(keras.layers, name)(**config, **({"seed": 3} if seeded else {}))
    for part in layer._flatten_layers():
        part.backend.set_backend("tensorflow")
    return layer


def module_of(layer: Any) -> Any:
    made = changes(LayerView(type(layer).__name__, layer.get_config(), ()))
    return made.function(*made.args, **made.kwargs)


@pytest.mark.parametrize(("name", "config"), CASES, ids=str)
def test_images_change_as_in_keras(name: str, config: dict[str, Any]) -> None:
    layer = layer_of(name, config)
    low, high = config.get("value_range", (0, 255))
    images = IMAGES * (high - low) + low
    given = tf.constant(images)
    drawn = layer.get_random_transformation(given, training=True)
    wanted = np.array(layer.transform_images(given, drawn, training=True))
    x = torch.from_numpy(images).movedim(-1, 1)
    got = module_of(layer).change(x, DRAWN[name](drawn)).movedim(1, -1).numpy()
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * max(1, np.abs(wanted).max()))


@pytest.mark.parametrize("fill_mode", ["reflect", "wrap", "constant", "nearest"])
def test_images_are_distorted_as_in_keras(fill_mode: str) -> None:
    layer = layer_of("RandomElasticTransform", {"fill_mode": fill_mode, "fill_value": 9.0})
    images = np.random.default_rng(1).uniform(0, 255, (3, 60, 50, 2)).astype("float32")
    drawn = layer.get_random_transformation(tf.constant(images), training=True)
    drawn["seed"] = 5
    wanted = np.array(layer.transform_images(tf.constant(images), drawn, training=True))
    noise = tf.random.stateless_normal((3, 60, 50), seed=(5, 0))
    given = chosen(drawn["apply_transform"]), numbers(drawn["distortion_factor"]), numbers(noise)
    x = torch.from_numpy(images).movedim(-1, 1)
    got = module_of(layer).change(x, given).movedim(1, -1).numpy()
    assert np.abs(wanted - images).max() > 1
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * 255)


def test_every_change_is_compared() -> None:
    assert {name for name, _ in CASES} == set(ARGUMENTS) - {"RandomElasticTransform"}
