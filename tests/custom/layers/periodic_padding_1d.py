import tensorflow as tf


class PeriodicConv1D(tf.keras.layers.Conv1D):
    def call(self, x):
        # what leaves on the right comes in on the left
        k = self.kernel_size[0] // 2
        x = tf.concat([x[:, -k:, :], x, x[:, :k, :]], axis=1)
        return super(PeriodicConv1D, self).call(x)
