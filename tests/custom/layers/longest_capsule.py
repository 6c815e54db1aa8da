import keras
from keras import ops


class KeepLongest(keras.layers.Layer):
    """Sets all vectors to zero but the chosen one, or the longest."""

    def call(self, inputs, **kwargs):
        if isinstance(inputs, (list, tuple)):  # with the choice
            vectors, choice = inputs
        else:
            vectors = inputs
            lengths = ops.norm(vectors, axis=-1)
            choice = ops.one_hot(ops.argmax(lengths, 1), num_classes=lengths.shape[1])
        kept = vectors * ops.expand_dims(choice, -1)
        return ops.reshape(kept, (ops.shape(kept)[0], -1))
