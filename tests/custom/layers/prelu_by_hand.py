import tensorflow as tf


class MyPReLU(tf.keras.layers.Layer):
    def build(self, input_shape):
        self.alpha = self.add_weight(
            name="alpha", shape=input_shape[1:], dtype=tf.float32,
            initializer=tf.keras.initializers.Constant(0.25),
            regularizer=tf.keras.regularizers.L1(1e-4),
        )

    def call(self, x):
        pos = tf.nn.relu(x)
        neg = self.alpha * (x - abs(x)) * 0.5
        return pos + neg
