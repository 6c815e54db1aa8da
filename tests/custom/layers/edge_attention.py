import keras
from keras import layers
from keras import ops


class EdgeAttention(layers.Layer):
    def __init__(self, units, kernel_initializer="glorot_uniform", kernel_regularizer=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[0][-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.pair = self.add_weight(shape=(self.units * 2, 1), initializer=self.kernel_initializer, name="pair")
        self.built = True

    def call(self, inputs):
        states, edges = inputs
        h = ops.matmul(states, self.kernel)
        # both ends of an edge, side by side
        ends = ops.reshape(ops.take(h, edges, axis=0), (ops.shape(edges)[0], -1))
        score = ops.squeeze(ops.leaky_relu(ops.matmul(ends, self.pair)), -1)
        score = ops.exp(ops.clip(score, -2, 2))
        total = ops.segment_sum(score, edges[:, 0], num_segments=ops.max(edges[:, 0]) + 1)
        total = ops.repeat(total, ops.bincount(ops.cast(edges[:, 0], "int32")))
        values = ops.take(h, edges[:, 1], axis=0) * (score / total)[:, None]
        return ops.segment_sum(values, edges[:, 0], num_segments=ops.shape(states)[0])


class ManyEdgeAttention(layers.Layer):
    def __init__(self, units, heads=2, merge="concat", **kwargs):
        super().__init__(**kwargs)
        self.merge = merge
        self.parts = [EdgeAttention(units) for _ in range(heads)]

    def call(self, inputs):
        nodes, edges = inputs
        found = [part([nodes, edges]) for part in self.parts]
        if self.merge == "concat":
            found = ops.concatenate(found, axis=-1)
        else:
            found = ops.mean(ops.stack(found, axis=-1), axis=-1)
        return ops.relu(found)
