import keras
import tensorflow as tf
from keras import layers, ops


class WeightedSum(layers.Add):
    """Changes what Add does with its inputs."""

    def __init__(self, alpha=0.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha

    def _merge_function(self, inputs):
        return (1.0 - self.alpha) * inputs[0] + self.alpha * inputs[1]


class StandardConv2D(layers.Conv2D):
    def standardized(self, kernel, eps=1e-5):
        mean, var = tf.nn.moments(kernel, axes=[0, 1, 2], keepdims=True)
        return (kernel - mean) / tf.sqrt(var + eps)

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, self.standardized(kernel))


class LowRankDense(layers.Dense):
    """The kernel stays, its correction is trained."""

    def build(self, input_shape):
        super().build(input_shape)
        self.kernel.trainable = False
        self.down = self.add_weight(name="down", shape=(input_shape[-1], 2))
        self.up = self.add_weight(name="up", shape=(2, self.units))

    def call(self, inputs):
        return super().call(inputs) + ops.matmul(ops.matmul(inputs, self.down), self.up)


class SpectralNorm(layers.Wrapper):
    """Divides by the largest singular value of the layer's kernel."""

    def build(self, input_shape):
        super().build(input_shape)
        self.width = self.layer.kernel.shape[-1]
        self.u = self.add_weight(
            shape=(1, self.width), initializer="random_normal", name="u", trainable=False
        )

    def call(self, inputs, training=None):
        w = ops.reshape(self.layer.kernel, (-1, self.width))
        v = ops.matmul(self.u, ops.transpose(w))
        v = ops.stop_gradient(v / ops.norm(v))
        u = ops.stop_gradient(ops.matmul(v, w))
        u = u / ops.norm(u)
        sigma = ops.matmul(ops.matmul(v, w), ops.transpose(u))
        if training:
            self.u.assign(u)
        return self.layer(inputs) / sigma[0, 0]


class Frozen(keras.Model):
    """Parts that are not trained."""

    def __init__(self, units=3):
        super().__init__()
        self.backbone = keras.Sequential([layers.Dense(4), layers.BatchNormalization()])
        self.backbone.trainable = False
        self.conv = SpectralNorm(layers.Conv2D(units, 3, padding="same"))

    def call(self, x):
        return self.conv(self.backbone(x))
