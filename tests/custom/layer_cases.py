"""The custom layers and models: how each is made, and what it is called with.

An input is written as its kind and its shape: "2 5 8" is normal floats, "int10 2 5" integers
below ten, "bool 2 5" a mask that keeps the first steps, "unit 2 3" floats from 0 to 1, "onehot4 2"
rows with a single one, "low 2 3" floats around -60, "images 2 8 8 3" floats from 0 to 1. Brackets
make a list of inputs, braces a dict.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

SOURCES = Path(__file__).parent / "layers"


@dataclass(frozen=True)
class Case:
    """A layer of one source file, made by an expression, called with some inputs."""

    source: str
    make: str
    inputs: tuple[Any, ...]
    call: dict[str, Any] = field(default_factory=dict)
    training: bool | None = False
    double: bool = True
    """Whether it is compared in float64: not where the source asks for float32 or for floatx, or
    where TensorFlow takes constants over float32: gelu, leaky_relu, and casts of numbers, among
    them the 1 / sqrt(key_dim) of MultiHeadAttention. `ops.cast(0.3, "float64")` gives 0.3 + 1.2e-8
    there; on JAX it is exact, but sines and means of LayerNormalization are not."""
    losses: bool = False
    folder: Path = SOURCES

    @property
    def name(self) -> str:
        given = f"{len(self.inputs[0])}of" if isinstance(self.inputs[0], list | tuple) else ""
        call = "".join(f"-{name}" for name in self.call)
        mode = "-training" if self.training else ""
        make = self.make.replace(" ", "")
        return f"{self.source}-{make}-{given}{len(self.inputs)}{call}{mode}"

    @property
    def text(self) -> str:
        return (self.folder / f"{self.source}.py").read_text(encoding="utf-8")

    def arrays(self, dtype: str) -> tuple[list[Any], dict[str, Any]]:
        """Return the inputs and the keywords of the call."""
        random = np.random.default_rng(crc32(self.name.encode()))
        inputs = [build(spec, random, dtype) for spec in self.inputs]
        return inputs, {k: build(v, random, dtype) for k, v in self.call.items()}


def build(spec: Any, random: np.random.Generator, dtype: str) -> Any:
    if isinstance(spec, list | tuple):
        return type(spec)(build(s, random, dtype) for s in spec)
    if isinstance(spec, dict):
        return {k: build(s, random, dtype) for k, s in spec.items()}
    if isinstance(spec, np.ndarray):
        return spec
    if not isinstance(spec, str):
        return spec
    words = spec.split()
    kind = words.pop(0) if words and words[0][0].isalpha() else "normal"
    return made(kind, tuple(int(w) for w in words), random, dtype)


def made(kind: str, shape: tuple[int, ...], random: np.random.Generator, dtype: str) -> np.ndarray:
    if kind.startswith("int"):
        return random.integers(0, int(kind[3:]), shape).astype("int32")
    if kind == "bool":
        lengths = random.integers(1, shape[-1] + 1, shape[:-1])
        return np.arange(shape[-1]) < lengths[..., None]
    if kind.startswith("onehot"):
        return np.eye(int(kind[6:]), dtype=dtype)[random.integers(0, int(kind[6:]), shape)]
    if kind in ("unit", "images"):
        return random.uniform(0, 1, shape).astype(dtype)
    if kind == "low":
        return (random.standard_normal(shape) - 60).astype(dtype)
    return random.standard_normal(shape).astype(dtype)


def case(source: str, make: str, *inputs: Any, **options: Any) -> Case:
    return Case(source, make, inputs, **options)


EDGES = np.array([[0, 1], [0, 2], [1, 0], [2, 1], [2, 3], [3, 3]], "int32")

EVERY = "ALL_CASES" in os.environ
"""All cases take two minutes; without this two of three classes have their last one."""

ALL = [
    case("sampling_tf", "Sampling()", ["2 6", "low 2 6"], double=False),
    case("sampling_ops", "Sampling()", ["2 6", "low 2 6"]),
    case("sampling_k", "KLSampling(0.5)", ["2 6", "low 2 6"], losses=True),
    case("squeeze_excite", "SqueezeExcite()", "2 5 5 8"),
    case("cbam", "CBAM()", "2 6 6 4"),
    case("cbam", "CBAM(1, kernel_size=3)", "2 6 5 3"),
    case("luong", "LuongAttention()", ["2 3 4", "2 5 6"]),
    case("luong", "LuongAttention('dot')", ["2 3 4", "2 5 4"]),
    case("attention_simple_k", "attention()", "2 5 4"),
    case("attention_einsum", "EinsumAttention(2, 3)", "2 5 4"),
    case("attention_einsum", "EinsumAttention(heads=2, size=3)", "2 5 4", call={"mask": "bool 2 5"}),
    case("additive_scores", "AdditiveScores(6)", "2 5 4"),
    case("additive_scores", "AdditiveScores(return_attention=True)", "2 5 4"),
    case("fft_ops", "FourierMixing()", "2 6 4", double=False),
    case("spectral_dense", "SpectralDense(3)", "2 4"),
    case("spectral_dense", "SpectralDense(3, iterations=3)", "2 4", training=True),
    case("late_opening", "Tied(3)", "2 5", losses=True, double=False),
    case("coupling_masks", "Flow(2)", "4 2", training=True, double=False),
    case("inner_changes", "WeightedSum(0.3)", ["2 3", "2 3"]),
    case("inner_changes", "StandardConv2D(4, 3, activation='relu')", "2 5 5 3"),
    case("inner_changes", "LowRankDense(3)", "2 4"),
    case("inner_changes", "Frozen()", "2 4 4 3", training=True, double=False),
    case("computed_shapes", "Upsample(2)", "2 3 3 4"),
    case("computed_shapes", "Interaction()", "2 4 3", call={"mask": "bool 2 4"}),
    case("written_steps", "Steps(4)", "2 5 3"),
    case("written_steps", "Written(4)", "2 5 3"),
    case("written_steps", "Counted(4)", "2 5 3"),
    case("pooled_by_name", "Neighbours(3, agg='max')", ["2 5 4", "unit 2 5 5"], double=False),
    case("pooled_by_name", "Tagger(3, 4, mask=True)", "int3 4 6"),
    case("tied_autoencoder", "TiedAutoencoder(3, 5)", "2 5"),
    case("tied_embedding", "TiedLanguageModel(7, 4)", "int7 2 5"),
    case("lstm_by_hand", "HandLSTM(4)", "2 5 3"),
    case("layers_in_loop", "MLPBlock()", "3 4"),
    case("layers_in_loop", "MLPBlock((5,), 2, rate=0.5, norm=False)", "3 4"),
    case("layers_in_loop", "MLPBlock((5, 4))", "3 4", training=True),
    case("layers_in_dict", "MultiHeadOutputs({'b': 2, 'a': 3})", {"age": "2 1", "income": "2 2"}),
    case("setattr_layers", "Stack(2, 4)", "2 4"),
    case("antirectifier_k", "Antirectifier()", "2 6"),
    case("antirectifier_ops", "Antirectifier()", "2 6"),
    case("rbf", "RBFLayer(4)", "3 5"),
    case("gmlp", "SpatialGating()", "2 5 6"),
    case("conv_block", "ConvBlock(4, groups=2)", "2 5 6 4"),
    case("conv_block", "DownBlock(4)", "2 5 6 3"),
    case("conv_block", "ConvBlock(4, strides=2)", "2 6 7 3", training=True),
    case("depthwise_separable", "InvertedResidual(2, 4)", "2 6 6 4"),
    case("depthwise_separable", "InvertedResidual(2, 5, stride=2)", "2 6 7 4"),
    case("pyramid_pooling", "PyramidPooling()", "2 4 6 3", double=False),
    case("aspp", "ASPP(3)", "2 5 6 2", double=False),
    case("pixel_shuffle", "DownUp()", "2 6 4 2"),
    case("adain", "AdaIN(3)", "2 4 5 3", "2 6"),
    case("cosine_head", "CosineSimilarity(4)", "3 5", double=False),
    case("cosine_head", "CosineSimilarity(4)", "3 5", "int4 3", double=False),
    case("masked_encoder_model", "Reader(9, 4)", "int3 4 6"),
    case("tcn", "TCN()", "2 9 3"),
    case("masked_mean", "BagOfWords(5, 3)", "int3 4 6"),
    case("masked_mean", "MaskedMean()", "4 6 3"),
    case("masked_mean", "MaskedMean()", "4 6 3", call={"mask": "bool 4 6"}),
    case("mixture_of_experts", "MixtureOfExperts(4, 3)", "5 6", losses=True),
    case("noise_by_hand", "AddNoise()", "3 4"),
    case("quantise", "BinaryDense(3)", "3 4"),
    case("straight_through_k", "HardSigmoidGate()", "5 4"),
    case("fourier_features", "RandomFourier(4)", "5 3"),
    case("siren", "Siren()", "5 2"),
    case("weight_norm_dense", "WeightNormDense(4, activation='relu')", "3 5"),
    case("weight_norm_dense", "WeightNormDense(4, use_bias=False)", "3 5"),
    case("inherited_conv", "PaddedConv2D(3, 3, activation='relu')", "2 5 6 2"),
    case("standardized_conv", "WSConv2D(3, 3, padding='same')", "2 5 6 2"),
    case("wrapper_layer", "Gated()", "3 5"),
    case("maxout", "Maxout(4)", "3 5"),
    case("maxout", "Maxout(4, num_pieces=2)", "3 2 5"),
    case("prelu_by_hand", "MyPReLU()", "3 2 5", losses=True, double=False),
    case("relative_positions", "RelativePositionBias()", "2 2 5 6"),
    case("quadratic", "SimpleQuadratic()", "2 5"),
    case("quadratic", "SimpleQuadratic(3, 'sigmoid', name='q')", "2 5"),
    case("add_weight_forms", "Forms()", "2 5"),
    case("dense_general", "GeneralDense(4)", "2 3 5", double=False),
    case("dense_general", "GeneralDense(4, 'tanh', use_bias=False)", "2 3 5", double=False),
    case("locally_running_stats", "MyBatchNorm()", "5 3"),
    case("locally_running_stats", "MyBatchNorm(momentum=0.8)", "4 2 3", training=True),
    case("simam", "SimAM()", "2 4 5 3"),
    case("eca", "ECA()", "2 4 5 8"),
    case("non_local", "NonLocal(4)", "2 3 4 4"),
    case("kmax_pooling", "KMaxPooling(3)", "2 6 4"),
    case("reflection_padding", "ReflectionPadding2D((1, 2))", "2 5 6 3"),
    case("spp_pool", "SpatialPyramidPooling((1, 3))", "2 7 8 3"),
    case("coord_conv", "CoordinateChannel(use_radius=True)", "2 4 5 3", double=False),
    case("seq2seq_models", "Seq2Seq()", ("int7 2 5", "int7 2 4")),
    case("unet_model", "UNet()", "images 2 8 8 1", double=False),
    case("unet_model", "UNet((2, 3), classes=3)", "images 2 8 4 3", training=True, double=False),
    case("spatial_transformer", "BilinearInterpolation(3, 5)", ["images 2 6 7 2", "unit 2 6"], double=False),
    case("crf_free_emission", "TransitionScores(4)", "2 5 4"),
    case("periodic_padding_1d", "PeriodicConv1D(3, 3)", "2 6 4"),
    case("lstm_cell_inherited", "CellModel(4)", "2 5 3"),
    case("optional_inputs", "FiLM(3)", "2 4 3"),
    case("optional_inputs", "FiLM(3, zero_init=False)", "2 4 5 3", "2 6", call={"scale": 0.5}),
    case("split_attention_while", "IterativeRefine()", "3 4"),
    case("grn_convnext", "ConvNeXtBlock(4)", "2 8 9 4", double=False),
    case("linear_attention_deep", "MemoryAttention(3)", "2 5 4"),
    case(
        "multimodal_dict",
        "Tabular({'city': 5, 'kind': 3})",
        {"a": "4", "b": "4", "city": "int5 4", "kind": "int3 4"},
    ),
    case("pre_norm_encoder", "PreNormEncoder(8, 12)", "2 5 8", double=False),
    case("pre_norm_encoder", "PreNormEncoder(8, 12, heads=4, rate=0.2)", "2 5 8", call={"mask": "bool 2 5"}, double=False),
    case("cross_decoder", "CrossDecoder(8, 12, 2)", ["2 5 8", "2 4 8"], double=False),
    case("lower_triangle", "LittleGPT(9, 6, 8, 2)", "int9 2 5"),
    case("words_and_places", "WordsAndPlaces(9, 11, 4)", "int11 2 6"),
    case("wave_table", "AddWaves()", "2 6 8", double=False),
    case("learned_positions", "AddPositions(9)", "2 6 4"),
    case("learned_positions", "AddPositions(9, initializer='zeros')", "2 3 4 5", call={"start": 2}),
    case("query_attention", "QueryAttention(5)", "2 4", "2 6 3"),
    case("query_attention", "QueryAttention(5)", "2 4", "2 6 3", call={"mask": "bool 2 6"}),
    case("split_heads", "SplitHeads(8, heads=2)", "2 5 8"),
    case("look_ahead", "MaskedHeads(8, 2)", "2 5 8", "2 5 8", "2 5 8", double=False),
    case("image_patches", "PatchStem(2, 6, 5)", "images 2 4 6 3"),
    case("patches_of_ops", "PatchSequence(3)", "images 2 6 9 2"),
    case("fourier_block", "FourierBlock(4)", "2 6 4", double=False),
    case("neighbour_mean", "NeighbourLayer([5, 4])", ["6 3", "int6 2 9", "unit 9"], double=False),
    case("neighbour_mean", "NeighbourLayer([5, 3], 0.1, reduce='sum', join='add', unit=True)", ["6 3", "int6 2 9", "unit 9"], double=False),
    case("neighbour_mean", "NeighbourLayer([4], 0.1, 'max')", ["6 3", "int6 2 30", "unit 30"], double=False),
    case("edge_attention", "ManyEdgeAttention(3)", ["4 5", EDGES], double=False),
    case("edge_attention", "ManyEdgeAttention(3, 3, merge='mean')", ["4 5", EDGES], double=False),
    case("graph_basis", "GraphBasis(3, activation='relu')", ["2 4 5", "unit 2 4 4"]),
    case("graph_basis", "GraphBasis(3, use_bias=False)", ["2 4 5", "unit 2 4 4"]),
    case("routing", "Routing(3, 4)", "2 5 6", double=False),
    case("routing", "CapsuleHead(3, 4)", "2 5 6", double=False),
    case("longest_capsule", "KeepLongest()", "2 3 4"),
    case("longest_capsule", "KeepLongest()", ["2 3 4", "onehot3 2"]),
    case("codebook", "Codebook(7, 4)", "2 3 3 4", double=False, losses=True),
    case("gates", "GatedResidual(5, 0.1)", "2 4"),
    case("gates", "GatedResidual(4)", "2 4"),
    case("gates", "Selection(2, 5)", ["2 4", "2 3"]),
    case("leaky_cell", "LeakyReader(4)", "2 5 3"),
    case("normed_cell", "NormedReader(4)", "2 5 3", double=False),
    case("skip_block", "SkipBlock(4)", "2 6 6 4"),
    case("skip_block", "SkipBlock(5, step=2)", "2 7 6 3", training=True),
    case("bottleneck", "Bottleneck(3, [2, 3, 4])", "2 5 6 4"),
    case("bottleneck", "Bottleneck(2, [2, 3, 4])", "2 5 6 4", training=True),
    case("own_loss_layer", "TargetsLayer()", "5 1"),
    case("own_loss_layer", "TargetsLayer(name='end', smoothing=0.1)", "5 2", "onehot2 5", losses=True),
    case("nested_losses", "QuietNetwork()", "3 5", losses=True),
    case("soft_clusters", "SoftClusters(4)", "3 5"),
    case("pair_products", "PairProducts(3)", "4 5", losses=True),
    case("crossing", "Crossing(2)", "4 5", losses=True),
    case("arithmetic_unit", "ArithmeticUnit(3)", "4 5"),
    case("mixer_block", "MixerBlock(5, 4)", "2 5 4", double=False),
    case("per_instance", "PerInstance()", "2 4 5 3"),
    case("grouped_norm", "GroupedNorm()", "2 4 5 6"),
    case("grouped_norm", "GroupedNorm(3, scale=False, gamma_constraint='non_neg')", "2 4 5 6"),
    case("scaled_length", "ScaledLength(10)", "2 4 5 6"),
    case("angular_margin", "AngularMargin(4, regularizer='l2')", ["3 5", "onehot4 3"]),
    case("three_distances", "ThreeDistances()", "3 5", "3 5", "3 5"),
    case("kernel_mask", "MaskedKernel('A', filters=3, kernel_size=3, padding='same')", "2 5 6 2", double=False),
    case("shifted_windows", "Windows(4)", "2 4 6 4"),
    case("shifted_windows", "InWindow(4, 2, 2)", "4 4 4", "2 4 4"),
    case("period_vector", "PeriodVector(6)", "3 6 5"),
    case("plain_linear", "Affine(3)", "2 4"),
    case("plain_linear", "Tower()", "2 4"),
    case("running_sum", "SumAndLine(4, 3)", "2 4"),
    case("decorated_dense", "DecoratedDense(3, activation='relu')", "2 4", double=False),
    case("row_similarity", "RowSimilarity(3, 2)", "4 5"),
    case("generative", "Generative(6)", "unit 3 6", losses=True, double=False),
    case("wide_deep", "WideDeep(5)", ["3 4", "3 6"]),
    case("wide_deep", "WideDeep(5, activation='tanh', name='wd')", ("3 4", "3 6")),
    case("recommender", "Recommender(6, 7, 3)", "int6 4 2", losses=True),
    case("flow", "Flow(4, 2)", "3 2", losses=True, double=False),
    case("flow", "Flow(4, 2)", "3 2", training=True, double=False),
    case("drop_path", "DropPath(0.2)", "3 4"),
    case("tagging", "Tagger(3, 9)", "int9 3 6"),
    case("dilated_gates", "Waves()", "2 9 2"),
    case("context_pool_k", "ContextPool()", "2 5 4", double=False),
    case("context_pool_k", "ContextPool(bias=False)", "2 5 4", call={"mask": "bool 2 5"}, double=False),
    case("kept_in_lists", "Interleaved(2, name='inter')", "3 5"),
    case("kept_in_lists", "Stages((4, 4, 4), use_norm=False)", "3 5"),
    case("kept_in_lists", "Stages()", "3 5"),
    case("kept_in_lists", "Weighted(3)", "3 5"),
    case("kept_in_lists", "Choice(5, True, 3)", "3 5"),
    case("handed_options", "Derived(2.0, units=3, activation='tanh', name='y')", "3 5"),
    case("handed_options", "Derived.from_config(Derived(2.0, units=3, activation='tanh').get_config())", "3 5"),
    case("handed_options", "FromNoInit(2.0, name='z')", "3 5"),
    case("handed_options", "Holder(5, depth=1, name='h')", "3 5"),
    case("never_called", "Projected(5)", "3 5"),
    case("never_called", "Conditioned(5)", "3 5"),
    case("never_called", "Positions(6, 5)", "2 4 5"),
    case("never_called", "Masked(4)", "3 5"),
    case("told_modes", "BN()", "3 5", training=True),
    case("told_modes", "Child()", "3 5", training=True),
    case("told_modes", "Three()", "3 5", training=True),
    case("several_losses", "Outer()", ["3 5", "3 5"], losses=True),
    case("from_built_in", "CausalConv(4, kernel_size=3, dilation_rate=2, name='c')", "2 6 3"),
    case("from_built_in", "Pipeline(4)", "3 5"),
    case("from_built_in", "Adding(4)", "3 5"),
    case("from_dense", "NormDense(4, use_bias=False)", "3 5"),
    case("from_dense", "ScaledDense(4, scale=0.5, activation='relu', name='q')", "3 5"),
    case("side_by_side", "Encoder()", "2 5 6", training=True),
    case("side_by_side", "Swin((2, 2, 1))", "2 4"),
]  # fmt: skip

LAST = list({(c.source, c.make.partition("(")[0]): c for c in ALL}.values())
CASES = ALL if EVERY else [c for k, c in enumerate(LAST) if k % 3]
