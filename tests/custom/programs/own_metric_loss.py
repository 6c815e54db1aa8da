import numpy as np
import tensorflow as tf
from tensorflow import keras


class F1Score(keras.metrics.Metric):
    def __init__(self, threshold=0.5, name="f1", **kwargs):
        super().__init__(name=name, **kwargs)
        self.threshold = threshold
        self.tp = self.add_weight(name="tp", initializer="zeros")
        self.fp = self.add_weight(name="fp", initializer="zeros")
        self.fn = self.add_weight(name="fn", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = tf.cast(y_true, tf.bool)
        y_pred = tf.greater(y_pred, self.threshold)
        self.tp.assign_add(tf.reduce_sum(tf.cast(tf.logical_and(y_true, y_pred), self.dtype)))
        self.fp.assign_add(tf.reduce_sum(tf.cast(tf.logical_and(tf.logical_not(y_true), y_pred), self.dtype)))
        self.fn.assign_add(tf.reduce_sum(tf.cast(tf.logical_and(y_true, tf.logical_not(y_pred)), self.dtype)))

    def result(self):
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn + 1e-7)

    def reset_state(self):
        for v in (self.tp, self.fp, self.fn):
            v.assign(0.0)


class LossHistory(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs.get("loss"))

    def on_epoch_end(self, epoch, logs=None):
        if logs["loss"] < 0.05:
            self.model.stop_training = True


class FocalLoss(keras.losses.Loss):
    def __init__(self, gamma=2.0, name="focal"):
        super().__init__(name=name)
        self.gamma = gamma

    def call(self, y_true, y_pred):
        y_true = tf.cast(y_true, y_pred.dtype)
        y_pred = tf.clip_by_value(y_pred, 1e-6, 1 - 1e-6)
        ce = -(y_true * tf.math.log(y_pred) + (1 - y_true) * tf.math.log(1 - y_pred))
        p_t = y_true * y_pred + (1 - y_true) * (1 - y_pred)
        return tf.reduce_mean(tf.pow(1 - p_t, self.gamma) * ce, axis=-1)


np.random.seed(3)
X = np.random.randn(100, 5).astype("float32")
Y = (np.random.rand(100, 3) > 0.6).astype("float32")
weights = np.linspace(0.5, 1.5, 100).astype("float32")

model = keras.models.Sequential()
model.add(keras.layers.InputLayer(input_shape=(5,)))
model.add(keras.layers.Dense(12, activation="tanh", kernel_constraint=keras.constraints.MaxNorm(1.0)))
model.add(keras.layers.Dense(3, activation="sigmoid"))
schedule = keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=5, decay_rate=0.9)
model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), FocalLoss(), metrics=[F1Score(), "binary_accuracy"])
tracker = LossHistory()
run = model.fit(X, Y, sample_weight=weights, epochs=3, batch_size=25, shuffle=False, callbacks=[tracker])
curve = [float(v) for v in tracker.losses]
final = model.evaluate(X, Y)
