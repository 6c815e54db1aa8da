import keras
from keras import ops
from keras.ops import stop_gradient


class HardSigmoidGate(keras.layers.Layer):
    def __init__(self, threshold=0.5):
        super().__init__()
        self.threshold = threshold
        self.dense = keras.layers.Dense(1, use_bias=False)

    def call(self, x):
        soft = ops.sigmoid(self.dense(x))
        hard = ops.where(soft > self.threshold, 1.0, 0.0)
        gate = soft + stop_gradient(hard - soft)
        return gate * x
