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

LONGEST_TEXT = 1500
"""Characters of an error's text: names from a file can be of any length."""

MOST_LINES = 80
"""Lines of code that an error shows."""


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
        parts = [super().__str__()]
        for title, text in (("code", self.code), ("stub", self.stub)):
            if text:
                lines = (shortened(line, 160) for line in text.splitlines()[:MOST_LINES])
                parts += [f"  {title}", *(f"    {line}".rstrip() for line in lines)]
        return "\n".join(parts)


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
        first = shortened(self.problem, 600)
        text = f"{len(self.refusals)} parts of the model are not translated: {first}, …"
        for k, refusal in enumerate(self.refusals):
            if len(text) > LONGEST_TEXT:
                return f"{text}\n… and {len(self.refusals) - k} more"
            text += f"\n{refusal}"
        return text
