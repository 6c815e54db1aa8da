"""Names of attributes and classes that desugaring makes."""

from __future__ import annotations

import functools
import keyword
import re
from dataclasses import dataclass, field

import libcst as cst

SHORT = {
    "activation": "activation",
    "add": "add",
    "additive_attention": "attention",
    "attention": "attention",
    "batch_normalization": "norm",
    "concatenate": "concat",
    "group_normalization": "norm",
    "layer_normalization": "norm",
    "leaky_relu": "activation",
    "multi_head_attention": "attention",
    "relu": "activation",
    "sequential": "layers",
    "softmax": "softmax",
    "spectral_normalization": "spectral_norm",
    "time_distributed": "distributed",
}
GENERIC = {"x", "y", "z", "h", "out", "output", "outputs", "net", "inputs", "result", "res", "tmp"}
GENERIC |= {"model", "layer", "inp", "features", "hidden", "tensor", "o", "t", "a", "b", "c"}
VERBS = {"make", "build", "get", "create", "define", "construct", "generate", "init", "apply"}
VERBS |= {"new", "prepare", "setup", "my"}
# What keras.Model and nn.Module have of their own: a layer cannot be kept under these names.
RESERVED = frozenset(
    """
    activity_regularizer add_loss add_metric add_module add_variable add_weight apply autocast
    bfloat16 buffers build build_from_config built call children compile compile_from_config
    compiled compute_dtype compute_loss compute_mask compute_metrics compute_output_shape
    compute_output_spec count_params cpu cuda double dtype dtype_policy dump_patches eval evaluate
    export extra_repr fit float forward from_config get_buffer get_build_config get_compile_config
    get_config get_extra_state get_layer get_metrics_result get_parameter get_submodule
    get_weights half input input_dtype input_shape input_spec inputs ipu jit_compile layers
    load_own_variables load_state_dict load_weights loss losses make_predict_function
    make_test_function make_train_function metrics metrics_names metrics_variables modules mtia
    name named_buffers named_children named_modules named_parameters non_trainable_variables
    non_trainable_weights optimizer output output_names output_shape outputs parameters path
    predict predict_function predict_on_batch predict_step quantization_mode quantize
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook rematerialized_call requires_grad_
    reset_metrics reset_states run_eagerly save save_own_variables save_weights self
    set_extra_state set_submodule set_weights share_memory state_dict stateless_call
    stateless_compute_loss steps_per_execution stop_training summary supports_jit supports_masking
    symbolic_call test_function test_on_batch test_step to to_empty to_json train train_function
    train_on_batch train_step trainable trainable_variables trainable_weights training type
    variable_dtype variables weights xpu zero_grad
    """.split()  # noqa: SIM905
)


WEIGHTLESS = {"Activation", "Add", "Average", "Concatenate", "Cropping1D", "Cropping2D", "Dot"}
WEIGHTLESS |= {"Dropout", "ELU", "Flatten", "GaussianDropout", "GaussianNoise", "Lambda"}
WEIGHTLESS |= {"LeakyReLU", "Masking", "Maximum", "Minimum", "Multiply", "Permute", "ReLU"}
WEIGHTLESS |= {"RepeatVector", "Reshape", "Softmax", "SpatialDropout1D", "SpatialDropout2D"}
WEIGHTLESS |= {"Subtract", "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D"}
WEIGHTLESS |= {"Rescaling", "Resizing", "Identity", "AlphaDropout", "UnitNormalization"}
POOLS = ("MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool", "AvgPool", "GlobalAvgPool")


def weightless(name: str) -> bool:
    """Whether a layer of keras.layers never has weights."""
    return name in WEIGHTLESS or name.startswith(POOLS)


def snake(name: str) -> str:
    """Return `MaxPooling2D` as `max_pooling2d`."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"_+", "_", re.sub(r"\W", "_", name)).strip("_").lower()


def camel(name: str) -> str:
    """Return `residual_block` as `ResidualBlock`."""
    parts = [part for part in re.split(r"[\W_]+", name) if part]
    return "".join(part[:1].upper() + part[1:] for part in parts)


def class_name(name: str) -> str:
    """Return a class name of a function's: `make_encoder` gives `Encoder`."""
    parts = [part for part in re.split(r"[\W_]+", snake(name)) if part]
    kept = parts
    while len(kept) > 1 and kept[0] in VERBS:
        kept = kept[1:]
    if kept == parts:  # the user's own capitals stay
        return camel(name)
    return camel("_".join(kept))


@functools.cache
def attribute_base(layer: str) -> str:
    """Return the short name of a layer class: `conv` of `Conv2D`."""
    name = snake(layer)
    plain = re.sub(r"_?[123]d", "", name)
    plain = re.sub(r"^cu_dnn", "", plain)
    if plain in SHORT:
        return SHORT[plain]
    if plain.endswith("pooling"):
        return "pool"
    if plain == "up_sampling":
        return "upsample"
    return plain


def plural(name: str) -> str:
    """Return the name of a list of such things."""
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in set("aeiou"):
        return f"{name[:-1]}ies"
    return f"{name}s"


def valid(name: str) -> bool:
    """Whether a name can be that of an attribute."""
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")


@dataclass
class Attributes:
    """The attributes of one class: each name once, numbered where several want the same."""

    wanted: dict[str, int] = field(default_factory=dict)  # how often each base is asked for
    taken: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)  # attributes of layers by variable
    settings: dict[str, str] = field(default_factory=dict)  # attributes of plain values

    def exact(self, name: str) -> str:
        """Return the name itself, or the nearest free one."""
        name = re.sub(r"\W", "_", name)
        if name in RESERVED or not valid(name):
            name = (
                f"{name.lstrip('_') or 'own'}_layer" if not name[:1].isdigit() else f"layer_{name}"
            )
        free, number = name, 2
        while free in self.taken:
            free, number = f"{name}{'_' if name[-1].isdigit() else ''}{number}", number + 1
        self.taken.add(free)
        return free

    def numbered(self, base: str) -> str:
        """Return the base alone where it is wanted once, else base1, base2, ..."""
        self.asked[base] = self.asked.get(base, 0) + 1
        if self.wanted.get(base, 0) < 2:
            return self.exact(base)
        while True:
            self.numbers[base] = self.numbers.get(base, 0) + 1
            name = f"{base}{'_' if base[-1].isdigit() else ''}{self.numbers[base]}"
            if name not in self.taken and name not in RESERVED:
                self.taken.add(name)
                return name

    def variable(self, name: str, *, again: bool) -> str:
        """Return the attribute of a layer's variable; another one when it is assigned again."""
        if again or name not in self.variables:
            self.variables[name] = self.exact(name)
        return self.variables[name]

    def setting(self, name: str) -> str:
        """Return the attribute of a plain value."""
        if name not in self.settings:
            free = name
            while free in self.taken or free in RESERVED:
                free += "_"
            self.taken.add(free)
            self.settings[name] = free
        return self.settings[name]


def literal_name(node: cst.Call) -> str | None:
    """Return the text of a `name="..."` argument."""
    for arg in node.args:
        named = arg.keyword is not None and arg.keyword.value == "name"
        if named and isinstance(arg.value, cst.SimpleString):
            value = arg.value.evaluated_value
            return value if isinstance(value, str) else None
    return None
