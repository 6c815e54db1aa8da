import tensorflow as tf


class CoordinateChannel(tf.keras.layers.Layer):
    def __init__(self, use_radius=False, **kw):
        super().__init__(**kw)
        self.use_radius = use_radius

    def call(self, inputs):
        shape = tf.shape(inputs)
        b, h, w = shape[0], shape[1], shape[2]
        ys = tf.linspace(-1.0, 1.0, h)
        xs = tf.linspace(-1.0, 1.0, w)
        xx, yy = tf.meshgrid(xs, ys)
        xx = tf.tile(xx[tf.newaxis, :, :, tf.newaxis], [b, 1, 1, 1])
        yy = tf.tile(yy[tf.newaxis, :, :, tf.newaxis], [b, 1, 1, 1])
        out = tf.concat([inputs, tf.cast(xx, inputs.dtype), tf.cast(yy, inputs.dtype)], axis=-1)
        if self.use_radius:
            rr = tf.sqrt(tf.square(xx - 0.5) + tf.square(yy - 0.5))
            out = tf.concat([out, tf.cast(rr, inputs.dtype)], axis=-1)
        return out
