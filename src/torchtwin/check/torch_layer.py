"""Runs translated layers with the weights and the inputs that Keras had.

python -m torchtwin.check.torch_layer FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from torchtwin import load_keras_weights
from torchtwin.check.alike import Record, seeds
from torchtwin.check.keras_layer import cotangent
from torchtwin.check.torch_program import MISSING, quiet


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors of a structure in the order of tf.nest: dicts by their sorted keys."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors(part)


def compared(
    space: dict[str, Any], make: str, arrays: dict[str, list[np.ndarray]], how: str
) -> dict[str, list[np.ndarray]]:
    """Return outputs and gradients, those of the weights beside Keras's own, by their names."""
    inputs = [torch.from_numpy(a.copy()) for a in arrays["inputs"]]
    given = inputs if how == "apart" else [inputs]
    module = filled(space, make, arrays["weights"], given)
    floats = [x.requires_grad_() for x in inputs if x.is_floating_point()]
    outputs = list(tensors(module(*given)))
    total = sum(
        (o * torch.from_numpy(cotangent(k, o.shape)).to(o)).sum()
        for k, o in enumerate(outputs)
        if o.is_floating_point()
    )
    named = {n: p for n, p in module.named_parameters() if p.requires_grad}
    wanted = [*floats, *named.values()]
    grads: list[Any] = [None] * len(wanted)
    if isinstance(total, torch.Tensor) and total.requires_grad:
        grads = list(torch.autograd.grad(total, wanted, allow_unused=True))
    dense = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, wanted, strict=True)]
    # Keras's gradients are put into a second module as if they were its weights.
    other = filled(space, make, arrays["weight_gradients"], [x.detach() if torch.is_tensor(x)
                   else [y.detach() for y in x] for x in given]).state_dict()  # fmt: skip
    return {
        "outputs": [o.detach().numpy() for o in outputs],
        "input_gradients": [g.numpy() for g in dense[: len(floats)]],
        "weight_gradients": [g.numpy() for g in dense[len(floats) :]],
        "placed_gradients": [other[name].numpy() for name in named],
        "names": list(named),
    }


def filled(
    space: dict[str, Any], make: str, weights: list[np.ndarray], given: list[Any]
) -> torch.nn.Module:
    module: torch.nn.Module = eval(make, space).eval()
    load_keras_weights(module, weights, *given)
    with torch.no_grad():
        module(*given)  # which may change what is not trained
    load_keras_weights(module, weights)
    return module.eval()


def main(folder: Path) -> None:
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    script = str(folder / "ported.py")
    record = Record(script)
    quiet()
    for name in MISSING:
        sys.modules[name] = None  # type: ignore[assignment]
    sys.path.insert(0, request["home"])
    seeds()
    space: dict[str, Any] = {"__name__": "ported", "__file__": script}
    text = Path(script).read_text(encoding="utf-8")
    record.run(lambda: exec(compile(text, script, "exec", dont_inherit=True), space))
    cases = []
    with np.load(folder / "weights.npz", allow_pickle=False) as stored:
        for index, case in enumerate(request["cases"] if not record.error else ()):
            arrays = {
                kind: [stored[f"{index}/{kind}/{k}"] for k in range(case.get(kind, 0))]
                for kind in ("inputs", "weights", "weight_gradients")
            }
            cases.append(_case(space, request, index, arrays, record))
    record.write(folder, cases=cases)


def _case(
    space: dict[str, Any], request: dict[str, Any], index: int, arrays: Any, record: Record
) -> dict[str, Any]:
    case = request["cases"][index]
    if case.get("error"):
        return {}
    try:
        found = compared(space, request["makes"][index], arrays, case["how"])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    told: dict[str, Any] = {"names": found.pop("names")}
    for kind, listed in found.items():
        told[kind] = len(listed)
        record.arrays |= {f"{index}/{kind}/{k}": array for k, array in enumerate(listed)}
    return told


if __name__ == "__main__":
    main(Path(sys.argv[1]))
