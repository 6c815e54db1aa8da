"""What the expressions of a program are: tensors, numbers, shapes, modules.

The kinds decide how a name of Keras is written in PyTorch where that depends on what it is given:
`tf.sqrt(x)` of a tensor is `torch.sqrt(x)`, of a number `math.sqrt(x)`. What is not known is
`UNKNOWN`, and written so that it is right for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Kind:
    """What an expression is.

    `what` is "tensor" (or a structure of tensors), "number", "shape", "module", "list", "dict",
    "array" (of NumPy), "string", "function" (of tensors), "none" or "unknown". `dtype` and `rank`
    are a tensor's where known, `of` the class of a module, "weight" for a tensor that is one, what
    the keys of a dict are; `item` what a list or dict holds, `items` what a tuple or list that is
    written out holds.
    """

    what: str
    dtype: str = ""
    rank: int | None = None
    of: str = ""
    item: Kind | None = None
    items: tuple[Kind, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known to be in a list."""
        return self.item is None and not self.items

    @property
    def is_lengths(self) -> bool:
        """Whether it is a tuple or list of numbers, such as a shape."""
        return self.what == "shape" or (self.what == "list" and self.element.what == "number")

    @property
    def is_tensors(self) -> bool:
        """Whether it is a tuple or list of tensors."""
        return self.what == "list" and not self.items and self.element.what == "tensor"

    @property
    def element(self) -> Kind:
        """What an element of it is."""
        if self.what in ("tensor", "module"):
            return replace(self, rank=None, of="") if self.what == "tensor" else UNKNOWN
        if self.what in ("shape", "array"):
            return NUMBER if self.what == "shape" else self
        if self.items:
            return joined(*self.items)
        return self.item or UNKNOWN


TENSOR, NUMBER, SHAPE, ARRAY = Kind("tensor"), Kind("number"), Kind("shape"), Kind("array")
COMPUTED = Kind("shape", "int32")
"""A shape that is a tensor of TensorFlow's: `tf.shape(x)`, not `x.shape`."""
BOOLS = Kind("tensor", "bool")
FUNCTION = Kind("function")
STRING, NONE, UNKNOWN = Kind("string"), Kind("none"), Kind("unknown")


def joined(*kinds: Kind) -> Kind:
    """Return what a value is that may be any of these."""
    result = kinds[0]
    for kind in kinds[1:]:
        if kind == result or (kind.what == result.what == "list" and kind.is_empty):
            continue
        if kind.what == result.what == "dict" and kind.is_empty:
            continue
        if kind.what == result.what and result.what in ("list", "dict") and result.is_empty:
            result = kind
            continue
        if kind.what != result.what:
            # None stands for "not given": what is used later is the other.
            pair = {kind.what, result.what}
            if pair in ({"none", "module"}, {"list", "module"}):
                result = kind if kind.what == "module" else result
            elif pair == {"none", "tensor"} and "weight" in (kind.of, result.of):
                result = kind if kind.what == "tensor" else result
            else:
                return UNKNOWN
        else:
            result = Kind(
                kind.what,
                kind.dtype if kind.dtype == result.dtype else "",
                kind.rank if kind.rank == result.rank else None,
                kind.of if kind.of == result.of else "",
                joined(kind.element, result.element) if kind.what in ("list", "dict") else None,
            )
    return result
