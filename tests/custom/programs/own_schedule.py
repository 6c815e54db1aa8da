import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from tensorflow import keras


class WarmUpCosine(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, base, total_steps, warmup_steps):
        super().__init__()
        self.base = base
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.pi = tf.constant(np.pi)

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        cosine = 0.5 * self.base * (
            1 + tf.cos(self.pi * (step - self.warmup_steps) / float(self.total_steps - self.warmup_steps))
        )
        warm = self.base * step / self.warmup_steps
        rate = tf.where(step < self.warmup_steps, warm, cosine)
        return tf.where(step > self.total_steps, 0.0, rate)


rng = np.random.default_rng(16)
x, y = rng.normal(size=(64, 5)).astype("float32"), rng.normal(size=(64, 1)).astype("float32")

schedule = WarmUpCosine(0.05, total_steps=12, warmup_steps=3)
rates = [float(schedule(s)) for s in range(14)]
plt.plot(rates)
plt.xlabel("step")
plt.ylabel("rate")
plt.savefig("rates.png")

model = keras.Sequential([keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.AdamW(learning_rate=schedule, weight_decay=1e-3), loss="mse", metrics=["mae"])
history = model.fit(x, y, batch_size=16, epochs=3, verbose=0)


def halve(epoch, lr):
    if epoch < 1:
        return lr
    return lr * math.exp(-0.7)


model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), loss="mse")
second = model.fit(x, y, epochs=3, callbacks=[keras.callbacks.LearningRateScheduler(halve)], verbose=0)
