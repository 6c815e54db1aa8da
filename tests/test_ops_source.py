"""Operations in the source of a program, beside Keras."""

from __future__ import annotations

from typing import Any

import pytest

from ops_rows import INDEXING, JOINING, MAKING, MOVING, PRODUCTS
from ops_support import check_call

ROWS = [*MOVING, *JOINING, *INDEXING, *PRODUCTS, *MAKING]


@pytest.mark.parametrize(("name", "args", "kwargs"), ROWS, ids=[row[0] for row in ROWS])
def test_operations_in_source(name: str, args: Any, kwargs: Any) -> None:
    check_call(name, args, kwargs)
