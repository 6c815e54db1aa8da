import tensorflow as tf


class QueryAttention(tf.keras.layers.Layer):
    """Bahdanau's attention: how well each value fits the query, through tanh."""

    def __init__(self, units):
        super(QueryAttention, self).__init__()
        self.of_query = tf.keras.layers.Dense(units, use_bias=False)
        self.of_values = tf.keras.layers.Dense(units, use_bias=False)
        self.score = tf.keras.layers.Dense(1)

    def call(self, query, values, mask=None):
        # (batch, units) becomes (batch, 1, units), so that it is added to every step
        hidden = tf.nn.tanh(tf.expand_dims(self.of_query(query), 1) + self.of_values(values))
        score = self.score(hidden)
        if mask is not None:
            score += (1.0 - tf.cast(mask[..., tf.newaxis], score.dtype)) * -1e9
        weights = tf.nn.softmax(score, axis=1)
        context = tf.reduce_sum(weights * values, axis=1)
        return context, tf.squeeze(weights, -1)
