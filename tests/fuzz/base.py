"""What the targets of the fuzzer have in common: see targets.py."""

from __future__ import annotations

import random
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import torchtwin
from torchtwin.errors import TorchTwinError

SEEDS = Path(__file__).parent / "seeds"

Case = Any
"""What a target keeps for a mutation: bytes, a JSON value, a text."""


def converted(path: Path, folder: Path, weights: Path | None = None) -> str:
    """Convert a model, write it and compile what was written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = torchtwin.convert(path, weights=weights)
        twin.save(folder / "twin")
    compile((folder / "twin" / "model.py").read_text(), "model.py", "exec")
    shutil.rmtree(folder / "twin")
    return "converted"


def kind(error: TorchTwinError) -> str:
    words = re.sub(r"'[^']*'|\d+", "_", str(error).splitlines()[0])
    assert len(str(error)) <= 2000, "an error that is too long"
    assert all(line.isprintable() for line in str(error).split("\n")), "control characters"
    return f"{type(error).__name__}: {words[:90]}"


class Target:
    """A target: its seeds, how they are changed, how they are run."""

    def seeds(self) -> list[Case]:
        raise NotImplementedError

    def changed(self, case: Case, rng: random.Random) -> Case:
        raise NotImplementedError

    def run(self, case: Case, folder: Path) -> str:
        raise NotImplementedError

    def ended(self, case: Case, folder: Path) -> str:
        """Run a case; return how it ended. Raises what is not torchtwin's."""
        try:
            return self.run(case, folder)
        except TorchTwinError as error:
            return kind(error)
