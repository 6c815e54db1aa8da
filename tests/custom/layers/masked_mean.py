import keras
import keras.ops as K


class MaskedMean(keras.layers.Layer):
    def __init__(self, axis=1, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.axis = axis

    def call(self, x, mask=None):
        if mask is None:
            return K.mean(x, axis=self.axis)
        weight = K.cast(mask, x.dtype)[..., None]
        total = K.sum(x * weight, axis=self.axis)
        return total / K.maximum(K.sum(weight, axis=self.axis), 1e-9)

    def compute_mask(self, inputs, mask=None):
        return None


class BagOfWords(keras.Model):
    def __init__(self, words, width):
        super().__init__()
        self.lookup = keras.layers.Embedding(words, width, mask_zero=True)
        self.mean = MaskedMean()

    def call(self, x):
        return self.mean(self.lookup(x))
