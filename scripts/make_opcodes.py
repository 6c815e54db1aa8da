"""Writes src/torchtwin/bytecode/opcodes.json: the numbers of each Python version's instructions.

    pip install xdis
    python scripts/make_opcodes.py

The numbers are CPython's, as xdis lists them. Reading bytecode needs nothing but this table.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

VERSIONS = ["2.7", *(f"3.{k}" for k in range(3, 15))]
TARGET = Path(__file__).parents[1] / "src" / "torchtwin" / "bytecode" / "opcodes.json"
LAST_314 = 128
"""What comes after RESUME in Python 3.14 are forms that no file holds."""


def table(version: str) -> dict[str, int]:
    """Return the number of each instruction that code in a file can hold."""
    major, minor = version.split(".")
    module = importlib.import_module(f"xdis.opcodes.opcode_{major}x.opcode_{major}{minor}")
    names = {name: k for k, name in enumerate(module.opname) if not name.startswith("<")}
    return {
        name: k
        for name, k in names.items()
        if not name.startswith(("INSTRUMENTED_", "BINARY_OP_INPLACE_", "RESERVED"))
        and (version != "3.14" or k <= LAST_314)
    }


def main() -> None:
    lines = [
        f"{json.dumps(version)}: {json.dumps(table(version), separators=(',', ':'))}"
        for version in VERSIONS
    ]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
