import keras
from keras import layers, ops


class Gate(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.value = layers.Dense(units)
        self.gate = layers.Dense(units, activation="sigmoid")

    def call(self, x):
        return self.value(x) * self.gate(x)


class GatedResidual(layers.Layer):
    def __init__(self, units, rate=0.0):
        super().__init__()
        self.units = units
        self.first = layers.Dense(units, activation="elu")
        self.second = layers.Dense(units)
        self.drop = layers.Dropout(rate)
        self.gate = Gate(units)
        self.norm = layers.LayerNormalization()
        self.project = layers.Dense(units)

    def call(self, inputs):
        x = self.drop(self.second(self.first(inputs)))
        if inputs.shape[-1] != self.units:
            inputs = self.project(inputs)
        return self.norm(inputs + self.gate(x))


class Selection(layers.Layer):
    """Weighs the features against each other."""

    def __init__(self, count, units, rate=0.0):
        super().__init__()
        self.each = list()
        for _ in range(count):
            one = GatedResidual(units, rate)
            self.each.append(one)
        self.all = GatedResidual(units, rate)
        self.share = layers.Dense(units=count, activation="softmax")

    def call(self, inputs):
        weights = ops.expand_dims(self.share(self.all(layers.concatenate(inputs))), axis=-1)
        parts = []
        for i, feature in enumerate(inputs):
            parts.append(self.each[i](feature))
        stacked = ops.stack(parts, axis=1)
        return ops.squeeze(ops.matmul(ops.transpose(weights, (0, 2, 1)), stacked), axis=1)
