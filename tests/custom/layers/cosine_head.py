import keras
from keras import ops


class CosineSimilarity(keras.layers.Layer):
    def __init__(self, classes, scale=10.0, margin=0.1):
        super().__init__()
        self.classes, self.scale, self.margin = classes, scale, margin

    def build(self, input_shape):
        self.prototypes = self.add_weight(
            shape=(self.classes, input_shape[-1]), initializer="truncated_normal"
        )

    def call(self, x, labels=None):
        x = ops.normalize(x, axis=-1, order=2)
        w = ops.normalize(self.prototypes, axis=-1, order=2)
        cosine = ops.einsum("bd,cd->bc", x, w)
        if labels is not None:
            cosine = cosine - self.margin * ops.one_hot(labels, self.classes)
        return self.scale * cosine
