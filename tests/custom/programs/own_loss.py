import numpy as np
import tensorflow as tf
from tensorflow import keras


class HuberLoss(keras.losses.Loss):
    def __init__(self, threshold=1.0, **kwargs):
        self.threshold = threshold
        super().__init__(**kwargs)

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        is_small_error = tf.abs(error) < self.threshold
        squared_loss = tf.square(error) / 2
        linear_loss = self.threshold * tf.abs(error) - self.threshold**2 / 2
        return tf.where(is_small_error, squared_loss, linear_loss)

    def get_config(self):
        base_config = super().get_config()
        return {**base_config, "threshold": self.threshold}


def log_cosh_like(y_true, y_pred):
    return tf.reduce_mean(tf.math.log(tf.cosh(y_pred - y_true)), axis=-1)


def my_softplus(z):
    return tf.math.log(1.0 + tf.exp(z))


def my_l1_regularizer(weights):
    return tf.reduce_sum(tf.abs(0.01 * weights))


rng = np.random.default_rng(18)
X_train = rng.normal(size=(80, 6)).astype("float32")
y_train = (X_train @ rng.normal(size=(6, 1))).astype("float32")
X_valid, y_valid = X_train[60:], y_train[60:]

model = keras.models.Sequential([
    keras.layers.Input(shape=X_train.shape[1:]),
    keras.layers.Dense(10, activation="selu", kernel_initializer="lecun_normal"),
    keras.layers.Dense(5, activation=my_softplus, kernel_regularizer=my_l1_regularizer),
    keras.layers.Dense(1),
])
model.compile(loss=HuberLoss(2.0), optimizer="nadam", metrics=["mae", log_cosh_like])
history = model.fit(X_train, y_train, epochs=3, batch_size=20, validation_data=(X_valid, y_valid))
model.compile(loss=log_cosh_like, optimizer=keras.optimizers.SGD(learning_rate=1e-2, nesterov=True, momentum=0.8))
again = model.fit(X_train, y_train, epochs=2)
