import tensorflow as tf
from tensorflow.keras.layers import Layer


class BilinearInterpolation(Layer):
    """Samples an image at the places of an affine grid."""

    def __init__(self, height=4, width=4, **kwargs):
        super().__init__(**kwargs)
        self.height = height
        self.width = width

    def get_grid(self, batch):
        x_linspace = tf.linspace(-1.0, 1.0, self.width)
        y_linspace = tf.linspace(-1.0, 1.0, self.height)
        x_t, y_t = tf.meshgrid(x_linspace, y_linspace)
        grid = tf.stack([tf.reshape(x_t, [-1]), tf.reshape(y_t, [-1]), tf.ones([self.width * self.height])], axis=0)
        return tf.tile(tf.expand_dims(grid, 0), [batch, 1, 1])

    def call(self, inputs):
        images, theta = inputs
        batch = tf.shape(images)[0]
        h, w = images.shape[1], images.shape[2]
        grid = tf.matmul(tf.reshape(theta, [-1, 2, 3]), tf.cast(self.get_grid(batch), theta.dtype))
        x = 0.5 * (grid[:, 0] + 1.0) * (w - 1)
        y = 0.5 * (grid[:, 1] + 1.0) * (h - 1)
        x0 = tf.cast(tf.floor(x), "int32")
        y0 = tf.cast(tf.floor(y), tf.int32)
        x1, y1 = x0 + 1, y0 + 1
        x0c, x1c = tf.clip_by_value(x0, 0, w - 1), tf.clip_by_value(x1, 0, w - 1)
        y0c, y1c = tf.clip_by_value(y0, 0, h - 1), tf.clip_by_value(y1, 0, h - 1)

        def pick(yy, xx):
            return tf.gather_nd(images, tf.stack([yy, xx], axis=-1), batch_dims=1)

        wx = tf.expand_dims(x - tf.cast(x0, x.dtype), -1)
        wy = tf.expand_dims(y - tf.cast(y0, y.dtype), -1)
        top = pick(y0c, x0c) * (1 - wx) + pick(y0c, x1c) * wx
        bottom = pick(y1c, x0c) * (1 - wx) + pick(y1c, x1c) * wx
        return tf.reshape(top * (1 - wy) + bottom * wy, [-1, self.height, self.width, images.shape[-1]])
