import tensorflow as tf
from tensorflow.keras.initializers import RandomNormal, Zeros
from tensorflow.keras.regularizers import l2


class PairProducts(tf.keras.layers.Layer):
    """A factorisation machine: every pair of features has a product of small vectors."""

    def __init__(self, rank, penalty=1e-3):
        super(PairProducts, self).__init__()
        self.rank = rank
        self.penalty = penalty

    def build(self, input_shape):
        self.bias = self.add_weight(name='bias', shape=(1,), initializer=Zeros(), trainable=True)
        self.line = self.add_weight(name='line', shape=(input_shape[-1], 1), initializer=RandomNormal(stddev=0.1),
                                    regularizer=l2(self.penalty), trainable=True)
        self.vectors = self.add_weight(name='vectors', shape=(input_shape[-1], self.rank),
                                       initializer='random_uniform', regularizer=l2(self.penalty))

    def call(self, inputs, **kwargs):
        whole = tf.pow(tf.matmul(inputs, self.vectors), 2)
        alone = tf.matmul(tf.pow(inputs, 2), tf.pow(self.vectors, 2))
        pairs = 0.5 * tf.reduce_sum(whole - alone, axis=-1, keepdims=True)
        return tf.nn.sigmoid(tf.matmul(inputs, self.line) + self.bias + pairs)
