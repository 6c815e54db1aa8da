import keras
from keras import ops


def get_mean_std(x, epsilon=1e-5):
    axes = [1, 2]
    # Compute the mean and standard deviation of a tensor.
    mean, variance = ops.moments(x, axes=axes, keepdims=True)
    standard_deviation = ops.sqrt(variance + epsilon)
    return mean, standard_deviation


def ada_in(style, content):
    content_mean, content_std = get_mean_std(content)
    style_mean, style_std = get_mean_std(style)
    t = style_std * (content - content_mean) / content_std + style_mean
    return t


class AdaIN(keras.layers.Layer):
    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.dense_scale = keras.layers.Dense(channels)
        self.dense_bias = keras.layers.Dense(channels)

    def call(self, x, w):
        mean, std = get_mean_std(x)
        scale = ops.reshape(self.dense_scale(w), (-1, 1, 1, x.shape[-1]))
        bias = ops.reshape(self.dense_bias(w), (-1, 1, 1, x.shape[-1]))
        return scale * ((x - mean) / std) + bias, ada_in(x[:, ::-1], x)
