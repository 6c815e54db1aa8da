"""Loops over functions of one's own, over structures of tensors."""

from __future__ import annotations

from typing import Any

import torch


def map_tensors(function: Any, *values: Any) -> Any:
    """Apply a function to the tensors of structures of tuples, lists and dicts, side by side."""
    first = values[0]
    if isinstance(first, dict):
        return {k: map_tensors(function, *(v[k] for v in values)) for k in first}
    if isinstance(first, list | tuple):
        return type(first)(map_tensors(function, *parts) for parts in zip(*values, strict=True))
    return first if first is None else function(*values)


def length_of_first(values: Any) -> int:
    """Return the length of the first axis of the first tensor in a structure."""
    while not torch.is_tensor(values):
        values = next(iter(values.values() if isinstance(values, dict) else values))
    return len(values)


def stack_results(results: list[Any]) -> Any:
    """Return structures of tensors as one, stacked."""
    return map_tensors(lambda *parts: torch.stack([torch.as_tensor(p) for p in parts]), *results)


def map_first(function: Any, xs: Any) -> Any:
    """Apply a function to each entry of the first axis; stack what it gives."""
    count = range(length_of_first(xs))
    return stack_results([function(map_tensors(lambda x, k=k: x[k], xs)) for k in count])


def loop_while(
    condition: Any, body: Any, values: Any, maximum_iterations: int | None = None
) -> Any:
    """Apply `body` to one value or several as long as they meet the condition."""
    several = isinstance(values, list | tuple)
    state = tuple(values) if several else (values,)
    step = 0
    while condition(*state) and (maximum_iterations is None or step < maximum_iterations):
        result = body(*state)
        state = tuple(result) if several else (result,)
        step += 1
    return state if several else state[0]


def loop_range(lower: int, upper: int, body: Any, value: Any) -> Any:
    """Apply `body(k, value)` for each k from `lower` up to, but not, `upper`."""
    for k in range(int(lower), int(upper)):
        value = body(torch.tensor(k), value)
    return value


def scan_first(
    function: Any, state: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> Any:
    """Carry a state along the first axis: `state, y = function(state, x)`; return it and all y."""
    count = length_of_first(xs) if length is None else length
    results = []
    for k in reversed(range(count)) if reverse else range(count):
        state, result = function(state, map_tensors(lambda x, k=k: x[k], xs))
        results.append(result)
    return state, stack_results(results[::-1] if reverse else results)


def scan_pairs(function: Any, elements: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Return what an associative function makes of all elements up to each, along `axis`."""
    count = length_of_first(map_tensors(lambda x: x.movedim(axis, 0), elements))
    order = range(count - 1, -1, -1) if reverse else range(count)
    results: list[Any] = []
    for k in order:
        entry = map_tensors(lambda x, k=k: x.narrow(axis, k, 1), elements)
        results.append(function(results[-1], entry) if results else entry)
    results = results[::-1] if reverse else results
    return map_tensors(lambda *parts: torch.cat(parts, axis), *results)


def fold_first(function: Any, elements: Any, state: Any = None, reverse: bool = False) -> Any:
    """Carry a state along the first axis: `state = function(state, x)`; return the last one.

    Without a state the first entry is it.
    """
    count = length_of_first(elements)
    places = list(reversed(range(count)) if reverse else range(count))
    if state is None:
        state = map_tensors(lambda x: x[places[0]], elements)
        places = places[1:]
    for k in places:
        state = function(state, map_tensors(lambda x, k=k: x[k], elements))
    return state


def scan_states(function: Any, elements: Any, state: Any = None, reverse: bool = False) -> Any:
    """Carry a state along the first axis, as fold_first does; return all states."""
    count = length_of_first(elements)
    places = list(reversed(range(count)) if reverse else range(count))
    states = []
    if state is None:
        state = map_tensors(lambda x: x[places[0]], elements)
        states, places = [state], places[1:]
    for k in places:
        state = function(state, map_tensors(lambda x, k=k: x[k], elements))
        states.append(state)
    return stack_results(states[::-1] if reverse else states)


def branch_of(index: Any, branches: Any, *operands: Any) -> Any:
    """Call one of several functions; an index beyond them means the nearest."""
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)
