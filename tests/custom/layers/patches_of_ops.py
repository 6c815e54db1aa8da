import keras
from keras import ops


class PatchSequence(keras.layers.Layer):
    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, images):
        batch, height, width, channels = ops.shape(images)
        rows, columns = height // self.size, width // self.size
        pieces = keras.ops.image.extract_patches(images, size=self.size)
        return ops.reshape(pieces, (batch, rows * columns, self.size * self.size * channels))

    def get_config(self):
        return {**super().get_config(), "size": self.size}
