"""Keras source to PyTorch source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchtwin.translate.translation import Translation


def translate(text: str) -> Translation:
    """Return a Keras program as a PyTorch program.

    The user's names, structure and comments stay; the result's `source` imports neither Keras nor
    TensorFlow nor torchtwin. What cannot be translated stays where it is, below a comment
    `# torchtwin:` with the reason, and is listed in `unresolved` by line, name and reason. Nothing
    of `text` is executed. A text that does not mention Keras or TensorFlow comes back as it is.

    Raises UnreadableModel when `text` is not Python 3.
    """
    # Imported here, so that `import torchtwin` does not wait for torch and LibCST.
    from torchtwin.translate.translation import translated
    from torchtwin.understood import understood

    with understood("the program"):
        return translated(text)
