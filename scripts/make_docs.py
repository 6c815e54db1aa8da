"""Writes docs/layers.md, the support table, from the rules.

python scripts/make_docs.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from torchtwin.support_page import markdown

TARGET = Path(__file__).parents[1] / "docs" / "layers.md"


def main() -> int:
    text = markdown()
    if "--check" in sys.argv:
        if text == TARGET.read_text(encoding="utf-8"):
            return 0
        print(f"{TARGET.name} is not what the rules say: run python scripts/make_docs.py")
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
