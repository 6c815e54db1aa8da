import keras
from keras import layers, ops


class DropPath(layers.Layer):
    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, x, training=None):
        if not training or self.rate == 0.0:
            return x
        keep = 1 - self.rate
        shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        drawn = ops.floor(keep + keras.random.uniform(shape, 0, 1, seed=self.seeds))
        return (x / keep) * drawn
