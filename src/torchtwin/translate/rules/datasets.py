"""keras.datasets, keras.utils.get_file, to_categorical, pad_sequences and their kin."""

from __future__ import annotations

from typing import Any, cast

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Source, call
from torchtwin.translate.calls import CallView
from torchtwin.translate.parts import arrays, datasets, files, tokenizer
from torchtwin.translate.parts.download import get_file
from torchtwin.translate.registry import translates
from torchtwin.view import Tensor

FUNCTIONS: dict[str, Any] = {
    "keras.datasets.mnist.load_data": datasets.load_mnist,
    "keras.datasets.fashion_mnist.load_data": datasets.load_fashion_mnist,
    "keras.datasets.cifar10.load_data": datasets.load_cifar10,
    "keras.datasets.cifar100.load_data": datasets.load_cifar100,
    "keras.datasets.imdb.load_data": datasets.load_imdb,
    "keras.datasets.imdb.get_word_index": datasets.load_imdb_words,
    "keras.datasets.reuters.load_data": datasets.load_reuters,
    "keras.datasets.reuters.get_word_index": datasets.load_reuters_words,
    "keras.datasets.boston_housing.load_data": datasets.load_boston_housing,
    "keras.datasets.california_housing.load_data": datasets.load_california_housing,
    "keras.utils.to_categorical": arrays.to_categorical,
    "keras.utils.pad_sequences": arrays.pad_sequences,
    "keras.utils.normalize": arrays.normalize,
    "keras.utils.set_random_seed": arrays.set_random_seed,
    "keras.preprocessing.text.Tokenizer": tokenizer.Tokenizer,
    "keras.preprocessing.text.text_to_word_sequence": tokenizer.words_of,
    "keras.models.load_model": files.load_model,
}
"""Functions whose arguments are Keras's, and what each is in a program."""
HARMLESS = {
    "keras.models.load_model": {"custom_objects", "compile", "safe_mode"},
    "keras.utils.get_file": {"archive_format", "hash_algorithm"},
}
"""Arguments that say nothing here: classes are those of the program."""


@translates(*FUNCTIONS)
def function(made: CallView) -> Expr:
    """A function on data keeps its arguments."""
    return _same(made, FUNCTIONS[made.name])


@translates("keras.utils.get_file")
def file(made: CallView) -> Expr:
    return _same(made, get_file)


def _same(made: CallView, part: Any) -> Expr:
    harmless = HARMLESS.get(made.name, ())
    kwargs = {k: _plain(v) for k, v in made.kwargs.items() if k not in harmless}
    try:
        return call(part, *map(_plain, made.args), **kwargs)
    except TypeError as error:
        raise UnsupportedError(f"{made.name}: {error}") from error


def _plain(value: Any) -> Any:
    return value.expr if isinstance(value, Tensor) else value


@translates("keras.models.save_model")
def saved(made: CallView) -> Expr:
    model, path, *_ = made.bound("model", "filepath", overwrite=True, include_optimizer=True)
    return cast(Expr, _plain(model).save(_plain(path)))


@translates("tf.random.set_seed", "tf.compat.v1.set_random_seed", "tf.set_random_seed")
def seed(made: CallView) -> Expr:
    (number,) = made.bound("seed")
    return call(torch.manual_seed, number)


@translates("tf.config.list_physical_devices", "tf.config.experimental.list_physical_devices")
def devices(made: CallView) -> Expr:
    (kind,) = made.bound(device_type=None)
    if kind != "GPU":
        raise UnsupportedError(f"{made.name} is translated for 'GPU' only")
    return Source("list(range(torch.cuda.device_count()))")


@translates("tf.test.is_gpu_available", "tf.test.is_built_with_cuda")
def is_available(_: CallView) -> Expr:
    return Source("torch.cuda.is_available()")
