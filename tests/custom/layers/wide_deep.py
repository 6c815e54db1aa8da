from tensorflow import keras


class WideDeep(keras.Model):
    def __init__(self, units=30, activation="relu", **kwargs):
        super().__init__(**kwargs)  # the name
        self.norm_wide = keras.layers.LayerNormalization()
        self.norm_deep = keras.layers.LayerNormalization()
        self.lower = keras.layers.Dense(units, activation=activation)
        self.upper = keras.layers.Dense(units, activation=activation)
        self.main = keras.layers.Dense(1)
        self.side = keras.layers.Dense(1)

    def call(self, inputs):
        wide, deep = inputs
        h = self.upper(self.lower(self.norm_deep(deep)))
        joined = keras.layers.concatenate([self.norm_wide(wide), h])
        return self.main(joined), self.side(h)
