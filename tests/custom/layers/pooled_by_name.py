import tensorflow as tf
from tensorflow.keras import layers


class Neighbours(layers.Layer):
    """Joins each node with what its neighbours say."""

    AGG = {"mean": tf.reduce_mean, "max": tf.reduce_max, "sum": tf.reduce_sum}

    def __init__(self, units, agg="mean", **kwargs):
        super().__init__(**kwargs)
        self.agg = self.AGG[agg]
        self.lin = layers.Dense(units)

    def call(self, inputs):
        x, a = inputs
        said = self.agg(a[..., None] * x[:, None], axis=2)
        return tf.math.l2_normalize(self.lin(tf.concat([x, said], -1)), axis=-1)


class Tagger(layers.Layer):
    def __init__(self, vocab, dim, mask=False, **kwargs):
        super().__init__(**kwargs)
        # zeros are padding, or words
        self.embed = (
            layers.Embedding(vocab, dim, mask_zero=True) if mask else layers.Embedding(vocab, dim)
        )
        self.read = layers.Bidirectional(layers.GRU(3, return_sequences=True))

    def call(self, x):
        return self.read(self.embed(x))
