import tensorflow as tf
from tensorflow.keras import layers
from tensorflow.keras import backend as K


def squash(v, axis=-1):
    """Keeps the direction, and brings the length between 0 and 1."""
    n = tf.reduce_sum(tf.square(v), axis, keepdims=True)
    return v * (n / (1 + n) / tf.sqrt(n + K.epsilon()))


class Routing(layers.Layer):
    def __init__(self, capsules, size, rounds=3, initializer='glorot_uniform', **kwargs):
        super(Routing, self).__init__(**kwargs)
        self.capsules = capsules
        self.size = size
        self.rounds = rounds
        self.initializer = tf.keras.initializers.get(initializer)

    def build(self, input_shape):
        assert len(input_shape) == 3, "capsules come as (batch, capsules, size)"
        self.before = input_shape[1]
        self.W = self.add_weight(shape=[self.capsules, self.before, self.size, input_shape[2]],
                                 initializer=self.initializer, name='W')
        self.built = True

    def call(self, inputs, training=None):
        votes = tf.tile(tf.expand_dims(inputs, 1), [1, self.capsules, 1, 1])
        votes = tf.map_fn(lambda v: tf.matmul(self.W, v), elems=tf.expand_dims(votes, 4))
        votes = tf.squeeze(votes, axis=-1)
        logits = tf.zeros(shape=[tf.shape(inputs)[0], self.capsules, 1, self.before])
        for turn in range(self.rounds):
            agreed = squash(tf.matmul(tf.nn.softmax(logits, axis=1), votes))
            if turn < self.rounds - 1:
                logits += tf.matmul(agreed, votes, transpose_b=True)
        return tf.squeeze(agreed, axis=2)


class CapsuleLength(layers.Layer):
    def call(self, inputs, **kwargs):
        return K.sqrt(K.sum(K.square(inputs), -1) + K.epsilon())


class CapsuleHead(tf.keras.Model):
    def __init__(self, capsules, size):
        super().__init__()
        self.routing = Routing(capsules, size)
        self.length = CapsuleLength()

    def call(self, x):
        return self.length(self.routing(x))
