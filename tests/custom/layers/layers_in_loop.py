import keras
from keras import layers


class MLPBlock(layers.Layer):
    def __init__(self, hidden=(8, 6), classes=3, rate=0.0, norm=True, name="mlp", **kwargs):
        super().__init__(name=name, **kwargs)
        self.blocks = []
        for i, units in enumerate(hidden):
            self.blocks.append(layers.Dense(units, name=f"dense_{i}"))
            if norm:
                self.blocks.append(layers.BatchNormalization(name=f"bn_{i}"))
            self.blocks.append(layers.Activation("relu"))
            if rate > 0:
                self.blocks.append(layers.Dropout(rate))
        self.head = layers.Dense(classes)

    def call(self, x, training=None):
        for block in self.blocks:
            x = block(x, training=training)
        return self.head(x)
