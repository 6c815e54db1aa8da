import keras
import numpy as np
from keras import layers


class Batches(keras.utils.PyDataset):
    """Serves slices of two arrays."""

    def __init__(self, x_set, y_set, batch_size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y = x_set, y_set
        self.batch_size = batch_size

    def __len__(self):
        return int(np.ceil(len(self.x) / self.batch_size))

    def __getitem__(self, idx):
        low = idx * self.batch_size
        high = min(low + self.batch_size, len(self.x))
        return self.x[low:high], self.y[low:high]


def stream(x, y, size):
    while True:
        for i in range(0, len(x), size):
            yield x[i:i + size], y[i:i + size]


rng = np.random.default_rng(29)
x = rng.normal(size=(50, 4)).astype("float32")
y = rng.normal(size=(50, 1)).astype("float32")

model = keras.Sequential([layers.Input((4,)), layers.Dense(6, activation="relu"), layers.Dense(1)])
model.compile(optimizer="adam", loss="mse", metrics=[keras.metrics.RootMeanSquaredError()])
history = model.fit(Batches(x, y, 12), epochs=2, shuffle=False)
endless = model.fit(stream(x, y, 10), steps_per_epoch=5, epochs=2)
