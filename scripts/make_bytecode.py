"""Prints the marshalled code of the functions in tests/lambda_sources.py, as the Python that runs
this compiles them.

    python3.13 scripts/make_bytecode.py

tests/bytecode_samples.json holds what Python 3.12, 3.13 and 3.14 printed.
"""

import base64
import json
import marshal
import runpy
import sys
import types
from pathlib import Path


def code_of(source: str) -> types.CodeType:
    """Return the code of the first function in a source."""
    module = compile(source, "lambda.py", "exec")
    return next(c for c in module.co_consts if isinstance(c, types.CodeType))


def samples(sources: list[str]) -> dict[str, str]:
    return {s: base64.b64encode(marshal.dumps(code_of(s))).decode() for s in sources}


if __name__ == "__main__":
    given = runpy.run_path(str(Path(__file__).parents[1] / "tests" / "lambda_sources.py"))
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = samples([*given["LAMBDAS"], *given["FUNCTIONS"]])
    print(json.dumps({version: found}, indent=0))
