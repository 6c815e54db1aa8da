"""One name for everything that Keras and TensorFlow know under several.

"tensorflow.keras.layers.Dense", "tf.compat.v2.keras.layers.Dense", "keras.layers.core.Dense" and
"keras.src.layers.Dense" are "keras.layers.Dense"; TensorFlow's own names begin with "tf.".
"""

from __future__ import annotations

import re

ROOTS = frozenset({"keras", "tensorflow", "tf_keras", "tensorflow_addons"})
"""Packages whose names a translated program no longer has."""

_BEGINNINGS = (
    (r"tensorflow(\.compat\.v2|\.python)?(?=\.|$)", "tf"),
    (r"tf\.(_api\.v2\.)?(compat\.v2\.)?keras(?=\.|$)", "keras"),
    (r"tf_keras(?=\.|$)", "keras"),
    (r"keras\.(src|api|_tf_keras\.keras|api\._v2\.keras)(?=\.|$)", "keras"),
    (r"tf\.(initializers|losses|metrics|optimizers)(?=\.|$)", r"keras.\1"),
    (r"keras\.layers\.(experimental\.preprocessing|preprocessing|experimental|core|convolutional|"
     r"pooling|recurrent|normalization|advanced_activations|embeddings|merge|merging|noise|local|"
     r"wrappers|convolutional_recurrent|rnn|attention|regularization|reshaping|activation|"
     r"activations)\.(?=[A-Z_a-z])", "keras.layers."),
    (r"keras\.engine(\.topology|\.base_layer|\.training)?\.(?=[A-Z])", "keras.layers."),
    (r"keras\.(models|engine)\.(?=(Model|Sequential)$)", "keras."),
    (r"keras\.layers\.(?=(Model|Sequential|Input|Variable)$)", "keras."),
    (r"keras\.Layer$", "keras.layers.Layer"),
    (r"keras\.(Input|layers\.Input)$", "keras.Input"),
    (r"keras\.optimizers\.(legacy|experimental)\.", "keras.optimizers."),
    (r"keras\.utils\.np_utils\.", "keras.utils."),
    (r"keras\.(preprocessing\.sequence|utils\.data_utils)\.", "keras.utils."),
    (r"keras\.(utils|saving)\.(?=register_keras_serializable$)", "keras.saving."),
    (r"keras\.(saving|models)\.(?=(load_model|save_model|model_from_json|clone_model)$)",
     "keras.models."),
    (r"keras\.experimental\.numpy\.", "keras.ops."),
    (r"keras\.ops\.(numpy|nn|core|math|linalg)\.", "keras.ops."),
)  # fmt: skip
_COMPILED = tuple((re.compile("^" + pattern), new) for pattern, new in _BEGINNINGS)


def canonical(name: str) -> str:
    """Return the one name of a dotted name."""
    for pattern, new in _COMPILED:
        name = pattern.sub(new, name)
    return name


def is_foreign(name: str | None) -> bool:
    """Tell whether a canonical name is Keras's or TensorFlow's."""
    return name is not None and name.partition(".")[0] in ("keras", "tf", "tensorflow_addons")
