"""The author's own layers: found in their Python source, translated, and used like any other."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchtwin.custom.library import Library
    from torchtwin.source import Source


@contextmanager
def own_classes(path: str | Path, source: Source) -> Iterator[Library]:
    """Let the classes in a Python file be known while a model is converted that names them.

    Raises UnreadableModel when the file cannot be read.
    """
    from torchtwin.custom.arguments import object_for
    from torchtwin.custom.layer import rule_for
    from torchtwin.custom.library import library_of
    from torchtwin.rule import own_rules

    library = library_of(path, source.config, source.compile)
    objects = functools.partial(object_for, library)
    with own_rules(functools.partial(rule_for, library), library.function, objects):
        yield library
