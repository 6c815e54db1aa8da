"""TensorFlow's own files: SavedModels, checkpoints and TensorFlow.js, whole, odd and damaged."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from reader_support import arrays_of, holders_of, mlp, randomized
from tensorflow_files import by_names, tfjs, with_metadata_inside, written
from torchtwin.binding import bind
from torchtwin.errors import TorchTwinError, UnreadableModel, UnsupportedError
from torchtwin.readers import read
from torchtwin.readers.bundle.crc32c import POLYNOMIAL, crc32c
from torchtwin.readers.bundle.protobuf import Message
from torchtwin.readers.bundle.snappy import decompressed
from torchtwin.source import Ordered, Source
from torchtwin.upgrade import upgraded


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one trained model in every format: saved, model.h5, weights.*, model.json."""
    folder = tmp_path_factory.mktemp("files")
    tf_keras.backend.clear_session()
    model = randomized(mlp(tf_keras))
    model.compile(tf_keras.optimizers.legacy.Adam(amsgrad=True), "mse")
    model.train_on_batch(np.ones((2, 4)), np.ones((2, 2)))
    model.save(folder / "saved", save_format="tf")
    model.save(folder / "model.h5")
    model.save_weights(folder / "weights", save_format="tf")
    (folder / "model.json").write_text(model.to_json())
    tfjs(folder / "model.h5", folder / "js", shard=40)
    return folder


def values(source: Source) -> list[np.ndarray]:
    return [array.read() for array in arrays_of(source)]


def same(got: list[np.ndarray], wanted: list[np.ndarray]) -> None:
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_saved_model_gives_what_hdf5_gives(files: Path, tmp_path: Path) -> None:
    wanted = read(files / "model.h5")
    shutil.copytree(files / "saved", tmp_path / "old")
    with_metadata_inside(tmp_path / "old")
    for path in (files / "saved", files / "saved" / "saved_model.pb", tmp_path / "old"):
        got = read(path)
        assert isinstance(got.weights, Ordered)
        assert upgraded(got).config == upgraded(wanted).config
        assert upgraded(got).compile == upgraded(wanted).compile
        same(values(got), values(wanted))
        same([a.read() for a in got.optimizer], [a.read() for a in wanted.optimizer])
        assert (got.format, got.version) == ("SavedModel", wanted.version)


OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "Ftrl alternates": tf_keras.optimizers.legacy.Ftrl,
    "RMSprop has three": lambda: tf_keras.optimizers.legacy.RMSprop(momentum=0.5, centered=True),
    "Nadam has a cache": tf_keras.optimizers.legacy.Nadam,
    "since 2.11": tf_keras.optimizers.AdamW,
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_optimizers_of_checkpoints(kind: str, tmp_path: Path) -> None:
    """The state comes in the order of an HDF5 file, whatever the graph of objects has."""
    tf_keras.backend.clear_session()
    la = tf_keras.layers
    given = la.Input((3,))
    late, early = la.Dense(3, name="late"), la.Dense(2, name="early")
    model = tf_keras.Model(given, early(late(given)))
    model.compile(OPTIMIZERS[kind](), "mse")
    model.train_on_batch(np.ones((2, 3)), np.zeros((2, 2)))
    model.save(tmp_path / "model.h5")
    model.save_weights(tmp_path / "weights", save_format="tf")
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(str(tmp_path / "whole"))
    wanted = [a.read() for a in read(tmp_path / "model.h5").optimizer]
    assert len(wanted) > 8
    for name in ("weights", "whole"):
        got = read(model, tmp_path / name)
        same([a.read() for a in got.optimizer], wanted)
        bound = bind(holders_of(model)[0], upgraded(got))
        np.testing.assert_array_equal(bound["late/kernel"].read(), late.kernel.numpy())


def test_names_of_a_checkpoint(files: Path, tmp_path: Path) -> None:
    """A checkpoint of TensorFlow 1 has names, and what the optimizer keeps under them."""
    model = tf_keras.models.load_model(files / "model.h5", compile=False)
    weights = {w.name.removesuffix(":0"): w.numpy() for w in model.weights if "count" not in w.name}
    more = {f"{name}/Adam": value for name, value in weights.items()}
    path = by_names(tmp_path / "old", {**weights, **more, "global_step": 3, "beta1_power": 0.9})
    got = bind(holders_of(model)[0], upgraded(read(files / "model.json", path)))
    for name, value in weights.items():
        np.testing.assert_array_equal(got[name].read(), value)
    by_names(tmp_path / "other", {**weights, "elsewhere/kernel": 1.0})
    with pytest.raises(UnreadableModel, match=r"elsewhere/kernel.*no layer"):
        read(files / "model.json", tmp_path / "other")


def test_a_checkpoint_is_found_by_any_of_its_files(files: Path) -> None:
    for name in ("weights", "weights.index", "weights.data-00000-of-00001", "checkpoint", ""):
        read(files / "model.json", files / name if name else files)
    with pytest.raises(UnreadableModel, match="no architecture"):
        read(files / "weights")
    wrong = tf_keras.Sequential([tf_keras.layers.Dense(3, input_shape=(4,))])
    with pytest.raises(UnreadableModel, match="4 layers where the architecture has 1"):
        read(wrong, files / "weights")


def test_layers_that_saved_models_keep_otherwise(tmp_path: Path) -> None:
    """Normalization has no list of variables there, and slices are tuples."""
    tf_keras.backend.clear_session()
    norm = tf_keras.layers.Normalization()
    norm.adapt(np.arange(20.0).reshape(5, 4))
    given = tf_keras.Input((4,))
    model = tf_keras.Model(given, norm(given)[:, :2])
    model.save(tmp_path / "saved", save_format="tf")
    source = upgraded(read(tmp_path / "saved"))
    with_metadata_inside(tmp_path / "saved")
    assert upgraded(read(tmp_path / "saved")).config == source.config
    assert "__tuple__" not in json.dumps(source.config)
    got = bind(holders_of(model)[0], source)
    np.testing.assert_array_equal(got["normalization/mean"].read(), norm.adapt_mean.numpy())
    np.testing.assert_array_equal(got["normalization/variance"].read(), norm.adapt_variance.numpy())


def test_vocabularies_of_saved_models(tmp_path: Path) -> None:
    """They are constants, which a function puts into a table when TensorFlow loads the model."""
    tf_keras.backend.clear_session()
    la = tf_keras.layers
    layers = [la.TextVectorization(), la.TextVectorization(output_mode="multi_hot"),
              la.StringLookup(mask_token="-", num_oov_indices=2)]  # fmt: skip
    for layer in layers:
        layer.adapt(["the cat", "sat", "on the mat", "sat"])
    given = la.Input((1,), dtype="string")
    tf_keras.Model(given, [layer(given) for layer in layers]).save(
        tmp_path / "saved", save_format="tf"
    )
    configs = {
        e["config"]["name"]: e["config"]
        for e in read(tmp_path / "saved").config["config"]["layers"]
    }
    for layer in layers:
        wanted = layer.get_vocabulary(include_special_tokens=False)
        assert configs[layer.name]["vocabulary"] == wanted
        assert len(wanted) >= 3


class Own(tf_keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = tf_keras.layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.dense(x)


def test_saved_models_without_layers_are_refused(files: Path, tmp_path: Path) -> None:
    module = tf.Module()
    module.weight = tf.Variable(1.0)
    tf.saved_model.save(module, str(tmp_path / "module"))
    with pytest.raises(UnsupportedError, match="functions alone"):
        read(tmp_path / "module")
    own = Own()
    own(np.ones((1, 3)))
    own.save(tmp_path / "own", save_format="tf")
    with pytest.raises(UnsupportedError, match="own class Own"):
        read(tmp_path / "own")
    shutil.copytree(files / "saved", tmp_path / "part")
    (tmp_path / "part" / "keras_metadata.pb").unlink()
    with pytest.raises(UnreadableModel, match=r"keras_metadata\.pb is missing"):
        read(tmp_path / "part")
    (tmp_path / "part" / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(UnreadableModel, match="holds no objects"):
        read(tmp_path / "part")


DAMAGED = [
    "saved/keras_metadata.pb", "saved/saved_model.pb", "saved/variables/variables.index",
    "saved/variables/variables.data-00000-of-00001", "js/model.json", "js/group1-shard2of3.bin",
]  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_refused(name: str, files: Path, tmp_path: Path) -> None:
    """A file cut anywhere, missing or changed gives our error; CRCs guard what they cover."""
    top = name.split("/", maxsplit=1)[0]
    shutil.copytree(files / top, tmp_path / top)
    path = tmp_path / name
    data, whole = path.read_bytes(), values(read(tmp_path / top))
    rng = random.Random(0)
    for size in {rng.randrange(len(data)) for _ in range(25)} | {0, len(data) - 1}:
        path.write_bytes(data[:size])
        with pytest.raises(TorchTwinError):
            values(read(tmp_path / top))
    for _ in range(60):
        changed = bytearray(data)
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        try:
            source = read(tmp_path / top)
            got = values(source) if source.weights else []
        except TorchTwinError:
            continue
        if "variables" in name:  # but for a few bytes, a checksum covers all
            same(got, whole)
    path.unlink()
    with pytest.raises(TorchTwinError):
        read(tmp_path / top)


def test_a_changed_weight_is_refused(files: Path, tmp_path: Path) -> None:
    shutil.copytree(files / "saved", tmp_path / "saved")
    path = tmp_path / "saved" / "variables" / "variables.data-00000-of-00001"
    kernel = next(a for a in arrays_of(read(files / "saved")) if a.shape == (4, 3)).read()
    data = bytearray(path.read_bytes())
    data[data.index(kernel.tobytes())] ^= 1
    path.write_bytes(data)
    with pytest.raises(UnreadableModel, match=r"CRC.*kernel") as refusal:
        values(read(tmp_path / "saved"))
    assert "kernel" in refusal.value.where


def test_checksums() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    data = random.Random(0).randbytes(250_000)
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (POLYNOMIAL if register & 1 else 0)
    assert crc32c(data) == register ^ 0xFFFFFFFF == crc32c(data[7000:], crc32c(data[:7000]))


def test_compressed_blocks() -> None:
    """A literal, a copy that reaches into itself, and a copy of two bytes' offset."""
    data = bytes([12, 2 << 2]) + b"abc" + bytes([2 << 2 | 1, 3]) + bytes([2 << 2 | 2, 6, 0])
    assert decompressed(memoryview(data), "it") == b"abcabcabcabc"
    for wrong in (data[:-1], bytes([9]) + data[1:], bytes([99]) + data[1:], b"\x0c\x15\x09"):
        with pytest.raises(UnreadableModel):
            decompressed(memoryview(wrong), "it")


def test_wire_format() -> None:
    data = memoryview(b"\x08\x96\x01\x12\x02hi\x1d\x01\x00\x00\x00")
    fields = list(Message(data, "it").fields())
    assert [n for n, _ in fields] == [1, 2, 3]
    assert fields[0][1] == 150
    for wrong in (b"\x12\x7fhi", b"\x0a" + b"\xff" * 11, b"\x0b", b"\x1d\x01", b"\x08"):
        with pytest.raises(UnreadableModel, match="it is damaged"):
            list(Message(memoryview(wrong), "it").fields())


DENSE = {"className": "Dense", "config": {"units": 2, "useBias": True, "activation": "hardSigmoid",
         "kernelInitializer": {"className": "VarianceScaling", "config": {"mode": "fanAvg"}},
         "name": "myDense", "batchInputShape": [None, 3]}}  # fmt: skip
WEIGHTS = [
    ("myDense/kernel", np.arange(6, dtype="f4").reshape(3, 2)),
    ("myDense/bias", np.array([0.5, -2], "f4")),
]


def test_forms_of_tensorflow_js(tmp_path: Path) -> None:
    """Keys of JavaScript, a topology as text, several groups, `./` before the shards' names."""
    topology = {"className": "Sequential", "config": {"layers": [DENSE], "name": "myModel"}}
    forms: list[Any] = [topology, json.dumps(topology), {"model_config": topology}]
    for k, form in enumerate(forms):
        path = written(form, [[w] for w in WEIGHTS], tmp_path / str(k), shard=10, prefix="./")
        for given in (path, path.parent):
            source = read(given)
            layer = upgraded(source).config["config"]["layers"][-1]
            assert layer["name"] == "myDense"
            assert layer["config"]["kernel_initializer"]["config"]["mode"] == "fan_avg"
            assert layer["config"]["activation"] == "keras2_hard_sigmoid"
            same(values(source), [value for _, value in WEIGHTS])


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float16"])
def test_quantised_weights(kind: str, tmp_path: Path) -> None:
    weights = [*WEIGHTS, ("myDense/more", np.array([-7, 0, 9], "i4"))][: 2 + (kind != "float16")]
    path = written({"class_name": "Sequential", "config": [DENSE]}, [weights], tmp_path,
                   quantised=kind)  # fmt: skip
    for got, (_, wanted) in zip(values(read(path)), weights, strict=True):
        assert got.dtype == wanted.dtype
        steps = {"uint8": 255, "uint16": 65535, "float16": 1024}[kind]
        np.testing.assert_allclose(got, wanted, atol=0.51 * float(np.ptp(wanted)) / steps)


def changed(**options: Any) -> Callable[[dict[str, Any]], Any]:
    """Return a change of the first group of a manifest, or of its first weight."""

    def change(model: dict[str, Any]) -> None:
        group = model["weightsManifest"][0]
        (group if "paths" in options else group["weights"][0]).update(options)

    return change


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "parent": (changed(paths=["../secret.bin"]), "leaves the folder"),
    "deep parent": (changed(paths=["a/../../secret.bin"]), "leaves the folder"),
    "absolute": (changed(paths=["/etc/hostname"]), "leaves the folder"),
    "windows": (changed(paths=["..\\secret.bin"]), "leaves the folder"),
    "url": (changed(paths=["http://127.0.0.1:9/x.bin"]), "leaves the folder"),
    "missing": (changed(paths=["other.bin"]), "shard 'other.bin' is missing"),
    "no text": (changed(paths=[5]), "path"),
    "larger": (changed(shape=[4000, 4000]), "bytes"),
    "negative": (changed(shape=[-3, -2]), "shape"),
    "fractional": (changed(shape=[3.0, 2.0]), "shape"),
    "dtype": (changed(dtype="float33"), "float33"),
    "scale": (changed(quantization={"dtype": "uint8", "scale": None, "min": 0}), "scale"),
    "kind": (changed(quantization={"dtype": "int2"}), "quantization"),
    "twice": (changed(name="myDense/bias"), "duplicate"),
    "stranger": (changed(name="yourDense/kernel"), "no layer"),
    "graph": (lambda model: model.update(format="graph-model"), "graph-model"),
    "no topology": (lambda model: model.pop("modelTopology"), "modelTopology"),
    "manifest": (lambda model: model.update(weightsManifest={"a": 1}), "weightsManifest"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_of_tensorflow_js(kind: str, tmp_path: Path) -> None:
    change, word = FAULTS[kind]
    (tmp_path / "secret.bin").write_bytes(bytes(32))
    path = written({"class_name": "Sequential", "config": [DENSE]}, [WEIGHTS], tmp_path / "js")
    model = json.loads(path.read_text())
    change(model)
    path.write_text(json.dumps(model))
    with pytest.raises(TorchTwinError, match=word):
        values(read(path))


def test_layers_that_share_a_name(tmp_path: Path) -> None:
    """A weight whose name two nested models have is refused, not guessed."""
    inner = {"class_name": "Sequential", "config": {"layers": [DENSE], "name": ""}}
    parts = [{**inner, "config": {**inner["config"], "name": name}} for name in ("a", "b")]
    topology = {"class_name": "Sequential", "config": {"layers": parts, "name": "m"}}
    with pytest.raises(UnreadableModel, match="several layers"):
        read(written(topology, [WEIGHTS], tmp_path))
