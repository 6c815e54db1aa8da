import numpy as np
import keras


class LossInside(keras.layers.Layer):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def call(self, logits, targets=None):
        if targets is not None:
            # the loss is made here, not by compile
            self.add_loss(self.loss_fn(targets, logits))
        return keras.ops.sigmoid(logits)


inputs = keras.Input((6,), name="inputs")
targets = keras.Input((1,), name="targets")
logits = keras.layers.Dense(1)(inputs)
preds = LossInside(name="predictions")(logits, targets)
model = keras.Model([inputs, targets], preds)

rng = np.random.default_rng(11)
data = {
    "inputs": rng.random((48, 6)).astype("float32"),
    "targets": rng.integers(0, 2, (48, 1)).astype("float32"),
}
model.compile(keras.optimizers.Adam(1e-2))
history = model.fit(data, epochs=3, batch_size=12)
