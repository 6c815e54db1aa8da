"""The last resort against files that no one thought of: their errors become ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from torchtwin.errors import TorchTwinError, UnsupportedError, UntrainedError

HINT = "if it runs in Keras, please report it, with what TORCHTWIN_DEBUG=1 shows"


def debugging() -> bool:
    """Tell whether errors are to come as they are, for those who look for their reason."""
    return os.environ.get("TORCHTWIN_DEBUG") == "1"


@contextmanager
def understood(what: str, kind: type[TorchTwinError] = UnsupportedError) -> Iterator[None]:
    """Raise any error inside as a `kind`: `what` is not understood."""
    try:
        yield
    except TorchTwinError:
        raise
    except Exception as error:
        if debugging():
            raise
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise kind(f"{what} is not understood: {text}", hint=HINT) from error


@contextmanager
def untrained() -> Iterator[None]:
    """Tell refusals of a training from those of a model."""
    try:
        with understood("what the model was compiled with", UntrainedError):
            yield
    except UntrainedError:
        raise
    except UnsupportedError as error:
        raise UntrainedError(error.problem, where=error.where, hint=error.hint) from error
