"""The errors of torchtwin, one tree.

TorchTwinError
├── UnreadableModel    the file is not what it claims to be, or does not fit together
├── UnsupportedError   understood, but not translated
│   ├── UntrainedError     the model is translated, its training is not
│   └── UntranslatedCode   Python code in the file, shown as its instructions
├── TwinsDiffer        verification found a difference
└── OutputError        the result could not be written
"""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_TEXT = 1950
"""Characters of an error's text: names from a file can be of any length."""

MOST_LINES, MOST_LISTED = 80, 20_000
"""Lines of code that an error shows in a terminal, and characters of a list of refusals there."""


def shortened(text: str, longest: int = 120) -> str:
    """Return `text` without control characters, and cut in its middle when it is long."""
    text = "".join(c if c.isprintable() else "?" for c in text)
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


class TorchTwinError(Exception):
    """Says what went wrong, where in the model, and what to try."""

    def __init__(self, problem: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(problem)
        self.problem, self.where, self.hint = problem, where, hint

    def __str__(self) -> str:
        lines = [shortened(self.problem, 600)]
        if self.where:
            lines.append(f"  at   {shortened(self.where, 240)}")
        if self.hint:
            lines.append(f"  try  {shortened(self.hint, 400)}")
        return "\n".join(lines)

    def whole(self) -> str:
        """Return the text for a terminal, where code and lists are shown in full."""
        return str(self)


class UnreadableModel(TorchTwinError):
    """The file is not what it claims to be, or its parts do not fit together."""


class UnsupportedError(TorchTwinError):
    """The model is understood, and a part of it is not translated."""


class UntrainedError(UnsupportedError):
    """The model is translated; how it is trained is not."""


class UntranslatedCode(UnsupportedError):
    """Python code in the file is not translated: `code` shows it, `stub` is there to fill in."""

    def __init__(
        self, problem: str, *, where: str = "", hint: str = "", code: str = "", stub: str = ""
    ) -> None:
        super().__init__(problem, where=where, hint=hint)
        self.code, self.stub = code, stub

    def __str__(self) -> str:
        return self._with_code(LONGEST_TEXT)

    def whole(self) -> str:
        return self._with_code(None)

    def _with_code(self, most: int | None) -> str:
        text, stub = super().__str__(), _titled("stub", self.stub.splitlines(), None)
        room = None if most is None else most - len(text) - len(stub)
        return text + _titled("code", self.code.splitlines(), room) + stub


def _titled(title: str, lines: Sequence[str], room: int | None) -> str:
    """Return lines of code below a title, as many as there is room for."""
    text = f"\n  {title}" if any(lines) else ""
    for k, line in enumerate(lines if text else ()):
        added = f"\n    {shortened(line, 160)}".rstrip()
        if k == MOST_LINES or (room is not None and len(text) + len(added) > room - 30):
            return f"{text}\n    … {len(lines) - k} more lines"
        text += added
    return text


class TwinsDiffer(TorchTwinError):
    """Verification found a difference between the Keras model and its twin."""


class OutputError(TorchTwinError):
    """The result could not be written."""


def merged(refusals: Sequence[UnsupportedError]) -> UnsupportedError:
    """Return one error that lists all `refusals`: a user wants to know of every one at once."""
    if len(refusals) == 1:
        return refusals[0]
    return Refusals(refusals)


class Refusals(UnsupportedError):
    """Several refusals, listed one after the other.

    `problem` names the first; `refusals` holds them all.
    """

    def __init__(self, refusals: Sequence[UnsupportedError]) -> None:
        first = refusals[0]
        super().__init__(first.problem, where=first.where, hint=first.hint)
        self.refusals = tuple(refusals)

    def __str__(self) -> str:
        short = [TorchTwinError.__str__(refusal) for refusal in self.refusals]
        return self._listed(short, LONGEST_TEXT)

    def whole(self) -> str:
        return self._listed([refusal.whole() for refusal in self.refusals], MOST_LISTED)

    def _listed(self, texts: Sequence[str], most: int) -> str:
        first = shortened(self.problem, 400)
        text = f"{len(texts)} parts of the model are not translated: {first}, …"
        for k, told in enumerate(texts):
            if len(text) + len(told) > most - 30:
                return f"{text}\n… and {len(texts) - k} more"
            text += f"\n{told}"
        return text
