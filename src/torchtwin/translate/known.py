"""What the functions of Keras and TensorFlow return, as far as it is no tensor."""

from __future__ import annotations

from torchtwin.translate.kinds import (
    ARRAY,
    BOOLS,
    COMPUTED,
    FUNCTION,
    NUMBER,
    SHAPE,
    STRING,
    TENSOR,
    UNKNOWN,
    Kind,
)

SHAPES = frozenset({
    "tf.shape", "keras.ops.shape", "keras.backend.shape", "keras.backend.int_shape",
    "tf.TensorShape", "tf.get_static_shape", "keras.backend.get_variable_shape",
})  # fmt: skip
NUMBERS = frozenset({
    "tf.rank", "keras.ops.ndim", "keras.backend.ndim", "keras.ops.size", "tf.size",
    "keras.backend.epsilon", "keras.config.epsilon", "keras.backend.image_data_format",
})  # fmt: skip
STRINGS = frozenset({"keras.backend.floatx", "keras.config.floatx", "keras.backend.backend"})
COMPARING = frozenset({
    "equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "logical_and",
    "logical_or", "logical_not", "logical_xor", "isnan", "isfinite", "isinf", "is_nan",
    "sequence_mask", "reduce_any", "reduce_all", "any", "all",
})  # fmt: skip
WHOLE = frozenset({"argmax", "argmin", "range", "arange", "argsort", "one_hot_indices"})
SEVERAL = frozenset({"split", "array_split", "unstack", "hsplit", "vsplit", "dsplit"})
"""Functions that give several tensors."""
MATH = {
    "sqrt": "math.sqrt", "exp": "math.exp", "log": "math.log", "abs": "abs", "absolute": "abs",
    "pow": "pow", "power": "pow", "maximum": "max", "minimum": "min", "floor": "math.floor",
    "ceil": "math.ceil", "sin": "math.sin", "cos": "math.cos", "tanh": "math.tanh",
    "square": "", "rsqrt": "", "cast": "", "add": "", "multiply": "", "subtract": "",
    "divide": "", "truediv": "", "floordiv": "", "floor_divide": "",
}  # fmt: skip
"""Functions that stay numbers where they are given numbers, and what Python calls them."""
ARRAYS = frozenset({
    "array", "asarray", "zeros", "ones", "full", "eye", "identity", "tri", "tril", "triu", "arange",
    "linspace", "stack", "concatenate", "expand_dims", "reshape", "transpose", "tile", "repeat",
    "zeros_like", "ones_like", "outer", "diag", "hanning", "hamming", "meshgrid", "indices",
})  # fmt: skip
"""Functions of NumPy that make arrays, not numbers."""
HOMES = ("tf", "tf.math", "keras.ops", "keras.backend", "numpy", "keras.random", "tf.nn")
NO_TENSORS = ("keras.utils.", "keras.datasets.", "keras.optimizers.", "keras.callbacks.",
              "keras.saving.", "keras.models.", "keras.config.", "keras.initializers.",
              "keras.regularizers.", "keras.constraints.", "tf.keras", "tf.data.", "tf.random.set",
              "tf.TensorSpec", "tf.TensorArray", "keras.mixed_precision", "tf.function",
              "keras.preprocessing.",
              "keras.losses.", "keras.metrics.", "tf.config.", "tf.io.",
              "keras.applications.", "keras.activations.get", "keras.activations.serialize",
              "keras.activations.deserialize", "keras.layers.serialize")  # fmt: skip


def returned(name: str, arguments: list[Kind]) -> Kind:
    """Return what a call of a canonical name gives."""
    home, _, last = name.rpartition(".")
    if name in SHAPES:
        return COMPUTED if name in ("tf.shape", "keras.backend.shape") else SHAPE
    if last in ("unstack", "stack") and arguments and arguments[0].is_lengths:
        return COMPUTED
    if name in NUMBERS:
        return NUMBER
    if name in STRINGS:
        return STRING
    if name.startswith("keras.layers.") and last[:1].isupper():
        return Kind("module", of=name)
    if name in ("keras.Sequential", "keras.Model"):
        return Kind("module", of=name)
    if name in ("tf.Variable", "keras.Variable", "keras.backend.variable"):
        return Kind("tensor", of="weight")
    if name in ("keras.activations.get", "keras.activations.deserialize"):
        return FUNCTION
    if home == "keras.losses" and last.islower() and last not in ("get", "serialize"):
        return TENSOR
    if name.startswith(NO_TENSORS):
        return UNKNOWN
    values = arguments[:1] if last == "cast" else arguments
    if home in HOMES and last in MATH and values and all(k.what == "number" for k in values):
        return NUMBER
    if name.startswith("numpy."):
        return ARRAY if last in ARRAYS else UNKNOWN
    if last in COMPARING:
        return BOOLS
    if last in SEVERAL and home in HOMES:
        return Kind("list", item=TENSOR)
    if last in WHOLE:
        return Kind("tensor", "int32" if home == "keras.ops" else "int64")
    if name.startswith(("keras.", "tf.")):
        return TENSOR
    return UNKNOWN
