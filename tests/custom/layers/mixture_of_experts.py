import tensorflow as tf
from tensorflow.keras import layers


class MixtureOfExperts(layers.Layer):
    def __init__(self, num_experts, units, k=2, **kwargs):
        super().__init__(**kwargs)
        self.experts = [layers.Dense(units, activation="relu") for _ in range(num_experts)]
        self.gate = layers.Dense(num_experts)
        self.num_experts = num_experts
        self.k = k

    def call(self, x):
        logits = self.gate(x)
        top, indices = tf.math.top_k(logits, k=self.k)
        weights = tf.nn.softmax(top)
        one_hot = tf.one_hot(indices, self.num_experts, dtype=x.dtype)
        gates = tf.einsum("bk,bke->be", weights, one_hot)
        outs = tf.stack([expert(x) for expert in self.experts], axis=1)
        self.add_loss(0.01 * tf.math.reduce_variance(tf.reduce_mean(gates, axis=0)))
        return tf.reduce_sum(gates[..., tf.newaxis] * outs, axis=1)
