import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class CrossDecoder(layers.Layer):
    def __init__(self, width, inner, heads, **kwargs):
        super(CrossDecoder, self).__init__(**kwargs)
        self.own = layers.MultiHeadAttention(num_heads=heads, key_dim=width)
        self.cross = layers.MultiHeadAttention(num_heads=heads, key_dim=width)
        self.mlp = keras.Sequential([layers.Dense(inner, activation="relu"), layers.Dense(width)])
        self.norm_a = layers.LayerNormalization()
        self.norm_b = layers.LayerNormalization()
        self.norm_c = layers.LayerNormalization()
        self.plus = layers.Add()

    def call(self, inputs):
        target, memory = inputs
        past = self.past_mask(target)
        # what was said so far ...
        said = self.own(query=target, value=target, key=target, attention_mask=past)
        said = self.norm_a(self.plus([target, said]))
        # ... and what was heard
        heard = self.cross(query=said, value=memory, key=memory)
        heard = self.norm_b(self.plus([said, heard]))
        return self.norm_c(self.plus([heard, self.mlp(heard)]))

    def past_mask(self, sequence):
        """One where a step may look: at itself and at those before."""
        shape = tf.shape(sequence)
        batch, steps = shape[0], shape[1]
        row = tf.range(steps)[:, tf.newaxis]
        column = tf.range(steps)
        lower = tf.cast(row >= column, dtype="int32")
        lower = tf.reshape(lower, (1, steps, steps))
        repeats = tf.concat(
            [tf.expand_dims(batch, -1), tf.constant([1, 1], dtype=tf.int32)], axis=0
        )
        return tf.tile(lower, repeats)
