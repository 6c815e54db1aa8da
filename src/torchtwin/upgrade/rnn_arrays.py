"""Old layouts of recurrent weights, told by their names and shapes alone.

Keras 1 kept every gate apart; CuDNN layers keep two biases, and kernels in CuDNN's own order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from torchtwin.errors import UnreadableModel
from torchtwin.source import Array
from torchtwin.upgrade.lazy import changed, joined, reshaped

if TYPE_CHECKING:
    import numpy as np

SEPARATE = re.compile(r"(?P<layer>.*)_(?P<kind>[WUb])_(?P<gate>[icfozrh])(?:_\d+)?(?::\d+)?")
ORDERS = {frozenset("icfo"): "ifco", frozenset("zrh"): "zrh"}
"""Today's order of the gates, by the gates that Keras 1 kept apart."""

NAMES = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}
LEAF = re.compile(r"(?P<layer>.*?)/?(?P<leaf>kernel|recurrent_kernel|bias)(?:_\d+)?(?::\d+)?")


def joined_gates(arrays: Sequence[Array]) -> tuple[Array, ...]:
    """Return the arrays of a group with old recurrent layouts brought to today's."""
    return _from_cudnn(_from_gates(arrays))


def _from_gates(arrays: Sequence[Array]) -> tuple[Array, ...]:
    """Join Keras 1's W_i, U_i, b_i, … to kernel, recurrent_kernel and bias."""
    layers: dict[str, dict[str, dict[str, Array]]] = {}
    for array in arrays:
        if match := SEPARATE.fullmatch(array.name):
            kinds = layers.setdefault(match["layer"], {kind: {} for kind in NAMES})
            kinds[match["kind"]][match["gate"]] = array
    layers = {
        name: kinds
        for name, kinds in layers.items()
        if all(frozenset(gates) in ORDERS for gates in kinds.values())
    }
    result: list[Array] = []
    done: set[str] = set()
    for array in arrays:
        match = SEPARATE.fullmatch(array.name)
        if not match or match["layer"] not in layers:
            result.append(array)
        elif match["layer"] not in done:
            done.add(match["layer"])
            result += _joined_layer(match["layer"], layers[match["layer"]])
    return tuple(result)


def _joined_layer(layer: str, kinds: Mapping[str, Mapping[str, Array]]) -> list[Array]:
    """Return kernel, recurrent kernel and bias; a ConvLSTM2D's kernels may lead with filters."""
    units = next(iter(kinds["b"].values())).shape[0]
    result = []
    for kind, name in NAMES.items():
        gates = kinds[kind]
        parts = [gates[gate] for gate in ORDERS[frozenset(gates)]]
        ends = [axis for axis in (-1, 0) if parts[0].shape[axis] == units]
        if len(parts[0].shape) == 4 and ends != [-1]:
            raise UnreadableModel(
                "a ConvLSTM2D of Keras 1 with channels first is not read", where=layer
            )
        result.append(joined(f"{layer}/{name}", parts))
    return result


def _from_cudnn(arrays: Sequence[Array]) -> tuple[Array, ...]:
    """Bring CuDNNLSTM's and CuDNNGRU's weights to LSTM's and GRU's; the bias shows them."""
    result = list(arrays)
    for k in range(len(arrays) - 2):
        trio = arrays[k : k + 3]
        found = [LEAF.fullmatch(a.name) for a in trio]
        if [m and m["leaf"] for m in found] != ["kernel", "recurrent_kernel", "bias"]:
            continue
        kernel, recurrent, bias = trio
        if len({m["layer"] for m in found if m}) > 1 or len(recurrent.shape) != 2:
            continue
        units, width = recurrent.shape
        if bias.shape == (2 * width,) and width in (3 * units, 4 * units):
            gates = width // units
            result[k] = changed(kernel, kernel.shape, _blocks(gates, _reordered))
            result[k + 1] = changed(recurrent, recurrent.shape, _blocks(gates, _transposed))
            result[k + 2] = (
                changed(bias, (width,), _summed) if gates == 4 else reshaped(bias, (2, width))
            )
    return tuple(result)


def _blocks(
    gates: int, change: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that changes each gate's block of columns."""

    def each(value: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.hstack([change(block) for block in np.hsplit(value, gates)])

    return each


def _reordered(block: np.ndarray) -> np.ndarray:
    """CuDNN keeps an input kernel by rows where Keras keeps it by columns."""
    return block.T.reshape(block.shape, order="F")


def _transposed(block: np.ndarray) -> np.ndarray:
    return block.T


def _summed(bias: np.ndarray) -> np.ndarray:
    """CuDNN adds one bias to the input's part and one to the state's: LSTM needs their sum."""
    half = len(bias) // 2
    total: np.ndarray = bias[:half] + bias[half:]
    return total
