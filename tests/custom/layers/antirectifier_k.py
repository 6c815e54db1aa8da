from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras import backend as K


class Antirectifier(layers.Layer):
    '''Both halves of the input: what is above and what is below its mean.

    It takes the place of ReLU, and doubles the number of features.
    '''

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        assert len(shape) == 2  # only valid for 2D tensors
        shape[-1] *= 2
        return tuple(shape)

    def call(self, inputs):
        inputs -= K.mean(inputs, axis=1, keepdims=True)
        inputs = K.l2_normalize(inputs, axis=1)
        pos = K.relu(inputs)
        neg = K.relu(-inputs)
        return K.concatenate([pos, neg], axis=1)
