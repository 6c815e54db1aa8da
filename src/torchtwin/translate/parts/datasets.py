"""The data sets of keras.datasets: the same arrays, from the same files."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import zipfile

import numpy as np

from torchtwin.translate.parts.download import download, get_file


def stored(name, path=None, file_hash=None, folder="datasets"):
    """Return the path of a file that lies where the data sets of Keras do."""
    where = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
    return download(where + name, path or name, file_hash, folder)


def load_mnist(path="mnist.npz"):
    """Return images (28, 28) of digits and which they are: ((x, y), (x, y)) to train and test."""
    file_hash = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
    with np.load(stored("mnist.npz", path, file_hash)) as f:
        return (f["x_train"], f["y_train"]), (f["x_test"], f["y_test"])


def load_fashion_mnist():
    """Return images (28, 28) of clothes and which they are: ((x, y), (x, y)) to train and test."""
    found = []
    for part in ("train", "t10k"):
        parts = []
        for name, start in (("images-idx3", 16), ("labels-idx1", 8)):
            path = stored(f"{part}-{name}-ubyte.gz", folder="datasets/fashion-mnist")
            with gzip.open(path, "rb") as f:
                parts.append(np.frombuffer(f.read(), np.uint8, offset=start))
        found.append((parts[0].reshape(-1, 28, 28), parts[1]))
    return tuple(found)


class ArrayUnpickler(pickle.Unpickler):
    """Reads arrays, lists and dicts, and nothing that could run code."""

    def find_class(self, module, name):
        if module.partition(".")[0] == "numpy" and name in ("ndarray", "dtype", "_reconstruct"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} does not belong into data")


def load_cifar_batch(path, labels="labels"):
    """Return the images (32, 32, 3) of a file, and their labels."""
    with open(path, "rb") as f:
        batch = ArrayUnpickler(f, encoding="bytes").load()
    images = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.reshape(batch[labels.encode()], (-1, 1))


def load_cifar10():
    """Return images (32, 32, 3) of ten kinds: ((x, y), (x, y)) to train and test."""
    folder = get_file(
        "cifar-10-batches-py-target",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        file_hash="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        extract=True,
    )
    folder = os.path.join(folder, "cifar-10-batches-py")
    parts = [load_cifar_batch(os.path.join(folder, f"data_batch_{k}")) for k in range(1, 6)]
    images, labels = (np.concatenate(part).astype("uint8") for part in zip(*parts, strict=True))
    test_images, test_labels = load_cifar_batch(os.path.join(folder, "test_batch"))
    return (images, labels), (test_images.astype("uint8"), test_labels.astype("uint8"))


def load_cifar100(label_mode="fine"):
    """Return images (32, 32, 3) of a hundred kinds: ((x, y), (x, y)) to train and test."""
    folder = get_file(
        "cifar-100-python-target",
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        file_hash="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        extract=True,
    )
    folder, labels = os.path.join(folder, "cifar-100-python"), f"{label_mode}_labels"
    return tuple(load_cifar_batch(os.path.join(folder, n), labels) for n in ("train", "test"))


def shuffled(x, y, seed, random=None):
    """Return two arrays in the order that a seed gives."""
    order = np.arange(len(x))
    (random or np.random.RandomState(seed)).shuffle(order)
    return x[order], y[order]


def divided(x, y, test_split):
    """Return ((x, y), (x, y)) to train and test."""
    at = int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])


def load_boston_housing(path="boston_housing.npz", test_split=0.2, seed=113):
    """Return facts about houses and their prices: ((x, y), (x, y)) to train and test."""
    file_hash = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
    with np.load(stored("boston_housing.npz", path, file_hash)) as f:
        x, y = shuffled(f["x"], f["y"], seed)
    return divided(x, y, test_split)


def load_california_housing(
    version="large", path="california_housing.npz", test_split=0.2, seed=113
):
    """Return facts about houses and their prices: ((x, y), (x, y)) to train and test."""
    file_hash = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
    with np.load(stored("california_housing.npz", path, file_hash)) as f:
        x, y = (f[name][: 600 if version == "small" else None] for name in "xy")
    return divided(*shuffled(x, y, seed), test_split)


def load_ragged(path):
    """Return the arrays of a file, which may be arrays of lists."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            stream = io.BytesIO(archive.read(member))
            try:
                array = np.lib.format.read_array(stream, allow_pickle=False)
            except ValueError:  # lists, behind a header
                stream.seek(0)
                version = np.lib.format.read_magic(stream)
                name = f"read_array_header_{min(version[0], 2)}_0"
                getattr(np.lib.format, name)(stream)
                array = ArrayUnpickler(stream).load()
            found[member.removesuffix(".npy")] = array
    return found


def numbered(texts, labels, maxlen, start_char, index_from):
    """Return texts with their start and their words' numbers, and the labels of the short ones."""
    start, shift = [] if start_char is None else [start_char], index_from or 0
    texts = [start + [word + shift for word in text] for text in texts]
    if maxlen:
        kept = [k for k, text in enumerate(texts) if len(text) < maxlen]
        texts, labels = [texts[k] for k in kept], [labels[k] for k in kept]
    return texts, labels


def as_objects(texts):
    """Return an array of lists."""
    return np.array(texts, dtype="object")


def cut(texts, num_words, skip_top, oov_char):
    """Return texts without words that are too rare or too frequent, or `oov_char` for them."""
    most = num_words or max(max(text) for text in texts)
    if oov_char is None:
        return [[word for word in text if skip_top <= word < most] for text in texts]
    return [[w if skip_top <= w < most else oov_char for w in text] for text in texts]


def load_imdb(
    path="imdb.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """Return reviews as word numbers, and whether they praise: ((x, y), (x, y))."""
    file_hash = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
    f, random = load_ragged(stored("imdb.npz", path, file_hash)), np.random.RandomState(seed)
    parts = []
    for part in ("train", "test"):
        x, y = shuffled(f[f"x_{part}"], f[f"y_{part}"], seed, random)
        parts.append(numbered(x, y, maxlen, start_char, index_from))
    (x, y), (x_test, y_test) = parts
    texts = cut(x + x_test, num_words, skip_top, oov_char)
    texts = as_objects(texts[: len(x)]), as_objects(texts[len(x) :])
    return (texts[0], np.array(y)), (texts[1], np.array(y_test))


def load_reuters(
    path="reuters.npz",
    num_words=None,
    skip_top=0,
    maxlen=None,
    test_split=0.2,
    seed=113,
    start_char=1,
    oov_char=2,
    index_from=3,
):
    """Return news as word numbers, and their topics: ((x, y), (x, y)) to train and test."""
    file_hash = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
    f = load_ragged(stored("reuters.npz", path, file_hash))
    x, y = numbered(*shuffled(f["x"], f["y"], seed), maxlen, start_char, index_from)
    (x, y), (x_test, y_test) = divided(cut(x, num_words, skip_top, oov_char), y, test_split)
    return (as_objects(x), np.array(y)), (as_objects(x_test), np.array(y_test))


def load_imdb_words(path="imdb_word_index.json"):
    """Return the number of each word in the reviews."""
    with open(stored("imdb_word_index.json", path, "bfafd718b763782e994055a2d397834f")) as f:
        return json.load(f)


def load_reuters_words(path="reuters_word_index.json"):
    """Return the number of each word in the news."""
    with open(stored("reuters_word_index.json", path, "4d44cc38712099c9e383dc6e5f11a921")) as f:
        return json.load(f)
