"""Readers turn a file or a live model into a Source. The content decides, never the suffix."""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torchtwin.errors import TorchTwinError, UnreadableModel
from torchtwin.readers import (
    architecture,
    archive,
    checkpoint,
    hdf5,
    live,
    savedmodel,
    strangers,
    tfjs,
)
from torchtwin.source import Source

READERS = (archive, savedmodel, tfjs, hdf5, checkpoint, architecture)
KINDS = {
    archive: " (zip with HDF5)",
    hdf5: " (HDF5)",
    savedmodel: " (protobuf)",
    checkpoint: " (checkpoint)",
    tfjs: " (TensorFlow.js)",
    architecture: " (JSON)",
}
"""What a file was taken for, for errors that do not say so."""


def read(model: Any, weights: str | Path | None = None) -> Source:
    """Return the model in a file, or a live one, as plain data.

    `weights` is a file for an architecture alone, or to use instead of the model's own.
    """
    if live.accepts(model):
        source = _guarded(live.read, model, type(model).__name__)
    elif not isinstance(model, str | Path):
        raise UnreadableModel(f"a {type(model).__name__} is neither a path nor a Keras model")
    else:
        source = _guarded(_opened, Path(model), str(model))
    if weights is not None:
        given = _guarded(_opened, Path(weights), str(weights))
        if isinstance(given, checkpoint.Parts) and source.config:
            given = _guarded(given.placed, source.config, str(weights))
        source = _with(source, given)
    if not source.version:
        source = dataclasses.replace(source, version="2")
    if not isinstance(source.config.get("class_name", ""), str):
        kind = type(source.config["class_name"]).__name__
        raise UnreadableModel(f"the class_name of the model is a {kind}")
    if not re.match(r"\d{1,4}(\.|$)", source.version):
        raise UnreadableModel(
            f"it names the version {source.version!r} of Keras, which is none",
            where=str(source.origin or ""),
        )
    if not isinstance(source.config.get("config"), dict | list):
        raise UnreadableModel(
            "it holds weights but no architecture",
            where=str(source.origin or ""),
            hint="give the architecture, and this file as --weights",
        )
    return source


def _opened(path: Path) -> Source:
    """Read a file with the first reader that takes it."""
    start = strangers.start_of(path)
    for reader in READERS:
        if reader.accepts(path, start):
            try:
                source: Source = reader.read(path)
            except TorchTwinError:
                raise
            except Exception as error:
                error.add_note(KINDS[reader])
                raise
            return source
    raise strangers.refusal(path, start)


def _with(source: Source, given: Source) -> Source:
    """Return `source` with the weights of `given`."""
    if given.weights is None:
        raise UnreadableModel(
            "it holds an architecture, but no weights",
            where=str(given.origin or ""),
            hint="" if source.config else "give the two files the other way round",
        )
    config = {k: v for k, v in source.config.items() if k != "backend"}
    if "backend" in given.config:
        config["backend"] = given.config["backend"]
    version = source.version or given.version  # an old architecture may not name its version
    return dataclasses.replace(
        source, config=config, version=version, weights=given.weights, optimizer=given.optimizer
    )


def _guarded(reader: Callable[[Any], Source], model: Any, name: str) -> Source:
    """Run a reader; whatever a damaged file makes it raise becomes one clear error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pyfive warns of attributes that nobody asked for
            return reader(model)
    except TorchTwinError as error:
        raise type(error)(
            f"{name} cannot be read: {error.problem}", where=error.where, hint=error.hint
        ) from None
    except MemoryError:
        raise UnreadableModel(f"{name} asks for more memory than there is") from None
    except Exception as error:
        kind = "".join(getattr(error, "__notes__", ()))
        if isinstance(error, AssertionError):  # pyfive's way to say that it does not know it
            text = "structures that Keras does not write, such as external links"
        else:
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, NotImplementedError) or "cannot yet read" in text:
            problem = f"uses what is not read of its format: {error}"
            hint = "save it again with the defaults of the library that wrote it"
        else:
            problem, hint = f"is damaged or truncated: {text}", "download or save it again"
        raise UnreadableModel(f"{name}{kind} {problem}", hint=hint) from None
