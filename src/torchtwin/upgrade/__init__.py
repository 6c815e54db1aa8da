"""Brings the configs of every Keras version to one vocabulary, that of Keras 3.

Layer rules and the graph see only what comes out of here: Keras 3's class and argument names,
plain values, and weights in today's layouts.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from torchtwin.errors import UnreadableModel
from torchtwin.source import Source
from torchtwin.upgrade.arrays import converted
from torchtwin.upgrade.compiled import plain_compile
from torchtwin.upgrade.context import Context
from torchtwin.upgrade.lora import note_merged
from torchtwin.upgrade.models import upgraded_model


def upgraded(source: Source, custom: Callable[[str], bool] = lambda _: False) -> Source:
    """Return `source` as Keras 3 would have written it.

    `custom` tells of a class name whether the model's author gave its source.
    """
    context = Context(source.version, str(source.config.get("backend", "")), custom=custom)
    try:
        config = note_merged(upgraded_model(source.config, context), source.weights)
        context.check_weights(source.weights)
        return dataclasses.replace(
            source,
            config=config,
            weights=converted(source.weights, context),
            compile=plain_compile(source.compile),
        )
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise UnreadableModel(
            f"the model's config does not fit together: {type(error).__name__}: {error}",
            where=context.where,
            hint="save the model again with the Keras that made it",
        ) from None
