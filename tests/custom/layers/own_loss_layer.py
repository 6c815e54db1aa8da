import keras
from keras import ops


class TargetsLayer(keras.layers.Layer):
    """Makes the loss itself, from logits and targets."""

    def __init__(self, name=None, smoothing=0.0):
        super().__init__(name=name)
        self.smoothing = smoothing
        self.cost = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)

    def call(self, logits, targets=None, sample_weight=None):
        if targets is not None:
            self.add_loss(self.cost(targets, logits, sample_weight))
        return ops.sigmoid(logits)
