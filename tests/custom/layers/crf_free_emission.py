import keras
from keras import ops


class TransitionScores(keras.layers.Layer):
    """Best path through scores and transitions, without gradients of its own."""

    def __init__(self, tags, **kwargs):
        super().__init__(**kwargs)
        self.tags = tags
        self.transitions = self.add_weight(
            name="transitions", shape=(tags, tags), initializer="glorot_uniform"
        )

    def call(self, emissions):
        # emissions: (batch, steps, tags)
        score = emissions[:, 0]
        for t in range(1, emissions.shape[1]):
            broadcast = ops.expand_dims(score, 2) + self.transitions
            score = ops.logsumexp(broadcast, axis=1) + emissions[:, t]
        return ops.logsumexp(score, axis=-1)
