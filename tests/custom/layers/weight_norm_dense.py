import tensorflow as tf
from tensorflow.keras.layers import Dense


class WeightNormDense(Dense):
    """Dense whose kernel has a direction and a length of its own."""

    def build(self, input_shape):
        super().build(input_shape)
        self.g = self.add_weight(name="g", shape=(self.units,), initializer="ones")

    def call(self, inputs):
        kernel = self.g * tf.nn.l2_normalize(self.kernel, axis=0)
        outputs = tf.matmul(inputs, kernel)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        if self.activation is not None:
            outputs = self.activation(outputs)
        return outputs
