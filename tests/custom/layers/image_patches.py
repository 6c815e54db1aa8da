import tensorflow as tf
from tensorflow.keras import layers


class Cut(layers.Layer):
    def __init__(self, side):
        super().__init__()
        self.side = side

    def call(self, images):
        pieces = tf.image.extract_patches(
            images=images,
            sizes=[1, self.side, self.side, 1],
            strides=[1, self.side, self.side, 1],
            rates=[1, 1, 1, 1],
            padding="VALID",
        )
        # rows and columns of patches become one sequence
        return tf.reshape(pieces, [tf.shape(images)[0], -1, pieces.shape[-1]])


class Place(layers.Layer):
    def __init__(self, count, width):
        super().__init__()
        self.count = count
        self.dense = layers.Dense(units=width)
        self.table = layers.Embedding(input_dim=count, output_dim=width)

    def call(self, pieces):
        order = tf.range(start=0, limit=self.count, delta=1)
        return self.dense(pieces) + self.table(order)


class PatchStem(tf.keras.Model):
    def __init__(self, side, count, width):
        super().__init__()
        self.cut = Cut(side)
        self.place = Place(count, width)

    def call(self, images):
        return self.place(self.cut(images))
