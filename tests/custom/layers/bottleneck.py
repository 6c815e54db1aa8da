import tensorflow as tf
from tensorflow import keras


class Bottleneck(keras.Model):
    def __init__(self, kernel_size, filters):
        super(Bottleneck, self).__init__(name="")
        narrow, middle, wide = filters

        self.conv_a = keras.layers.Conv2D(narrow, (1, 1))
        self.norm_a = keras.layers.BatchNormalization()

        self.conv_b = keras.layers.Conv2D(middle, kernel_size, padding="same")
        self.norm_b = keras.layers.BatchNormalization()

        self.conv_c = keras.layers.Conv2D(wide, (1, 1))
        self.norm_c = keras.layers.BatchNormalization()

    def call(self, image, training=False):
        x = tf.nn.relu(self.norm_a(self.conv_a(image), training=training))
        x = tf.nn.relu(self.norm_b(self.conv_b(x), training=training))
        x = self.norm_c(self.conv_c(x), training=training)
        x += image
        return tf.nn.relu(x)
