import tensorflow as tf
L = tf.keras.layers


class Maxout(L.Layer):
    def __init__(self, units, num_pieces=3, **kwargs):
        super(Maxout, self).__init__(**kwargs)
        self.units = units
        self.num_pieces = num_pieces

    def build(self, input_shape):
        self.dense = L.Dense(self.units * self.num_pieces)
        self.dense.build(input_shape)

    def call(self, x):
        y = self.dense(x)
        shape = y.get_shape().as_list()
        y = tf.reshape(y, [-1] + shape[1:-1] + [self.units, self.num_pieces])
        return tf.reduce_max(y, axis=-1)
