"""Programs that compile, fit, evaluate and predict, beside Keras on the same batches."""

# ruff: noqa: E501 (programs as people write them)
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from program_support import both, same

COMPARED = (dict, list, int, float, np.ndarray, np.generic)

HEAD = """
import numpy as np
import keras
from keras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(45, 4)).astype("float32")
y = (x @ rng.normal(size=(4, 1))).astype("float32")
classes = rng.integers(0, 3, 45)
rows = keras.utils.to_categorical(classes, 3)


def net(units=1, activation=None):
    return keras.Sequential([layers.Dense(6, activation="tanh"), layers.Dense(units, activation=activation)])

"""
PROGRAMS = {
    "regression": '''
model = net()
start(model, x[:2])
model.compile(optimizer="rmsprop", loss="mse", metrics=["mae", "mse"])
h = model.fit(x, y[:, 0], batch_size=16, epochs=3, shuffle=False, verbose=0, validation_split=0.2)
epochs, curves = h.epoch, h.history
result = model.evaluate(x, y, verbose=0)
named = model.evaluate(x, y, verbose=0, return_dict=True)
outputs = model.predict(x, verbose=0)
first = model.predict_on_batch(x[:3])
''',
    "classes": '''
model = net(3, "softmax")
start(model, x[:2])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", "sparse_top_k_categorical_accuracy"])
curves = model.fit(x, classes, 8, 2, verbose=0, shuffle=False, class_weight={0: 1.0, 2: 3.0}).history
other = net(3, "softmax")
start(other, x[:2])
other.compile("sgd", keras.losses.CategoricalCrossentropy(label_smoothing=0.1), metrics=["acc", keras.metrics.AUC(name="auc"), keras.metrics.Precision(), keras.metrics.Precision(class_id=1)])
weights = np.linspace(0.5, 2, 45)
more = other.fit(x, rows, epochs=2, verbose=0, shuffle=False, sample_weight=weights, validation_data=(x[:9], rows[:9], weights[:9])).history
''',
    "frozen when it trains": '''
critic = net(1, "sigmoid")
start(critic, x[:2])
critic.compile("adam", "binary_crossentropy")
made = net(4)
start(made, x[:2])
critic.trainable = False
whole = keras.Sequential([made, critic])
whole.compile("adam", "binary_crossentropy")
ones = np.ones((45, 1))
losses = [float(step) for k in range(3) for step in (critic.train_on_batch(x, ones), whole.train_on_batch(x, ones))]
outputs = whole.predict(x, verbose=0)
''',
    "logits": '''
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
RATE = 0.05
model = net(3)
start(model, x[:2])
opt = keras.optimizers.SGD(learning_rate=RATE, momentum=0.9, nesterov=True, clipnorm=0.5)
model.compile(optimizer=opt, loss=LOSS, metrics=[keras.metrics.SparseCategoricalAccuracy(name="right")])
curves = model.fit(x, classes, epochs=2, verbose=0, shuffle=False).history
rate = float(opt.learning_rate)
value = float(LOSS(np.array([0, 2]), np.array([[1.0, 2.0, 3.0], [0.5, 0.1, 0.2]], "float32")))
''',
    "several outputs": '''
class Two(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(5, activation="relu")
        self.price = layers.Dense(1)
        self.kind = layers.Dense(3, activation="softmax")

    def call(self, inputs):
        h = self.first(inputs)
        return {"price": self.price(h), "kind": self.kind(h)}


model = Two()
start(model, x[:2])
model.compile("adam", loss={"price": "mse", "kind": "sparse_categorical_crossentropy"}, loss_weights={"price": 0.5, "kind": 2.0}, metrics={"kind": ["accuracy"], "price": ["mae"]})
curves = model.fit(x, {"price": y, "kind": classes}, epochs=2, verbose=0, shuffle=False, batch_size=10).history
result = model.evaluate(x, {"price": y, "kind": classes}, verbose=0)
outputs = model.predict(x, verbose=0)
''',
    "outputs in a list": '''
inputs = keras.Input((4,), name="facts")
h = layers.Dense(5, activation="relu", kernel_regularizer="l2")(inputs)
one = layers.Dense(1, name="one")(h)
two = layers.Dense(2, name="two", activation="sigmoid")(h)
model = keras.Model(inputs, [one, two])
start(model, x[:2])
model.compile("adam", loss=["mse", "binary_crossentropy"], loss_weights=[1.0, 0.3], metrics=[["mae"], ["accuracy"]])
curves = model.fit(x, [y, x[:, :2] > 0], epochs=2, verbose=0, shuffle=False, batch_size=10).history
''',
    "schedules": '''
from keras.optimizers.schedules import ExponentialDecay, PiecewiseConstantDecay

model = net()
start(model, x[:2])
model.compile(keras.optimizers.Adam(ExponentialDecay(0.05, decay_steps=4, decay_rate=0.5, staircase=True)), "mse")
curves = model.fit(x, y, epochs=3, verbose=0, shuffle=False).history
steps = PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01])
model.compile(keras.optimizers.SGD(steps), "mae")
more = model.fit(x, y, epochs=3, verbose=0, shuffle=False).history
cosine = keras.optimizers.schedules.CosineDecay(0.1, 10, alpha=0.1, warmup_target=0.2, warmup_steps=3)
again = keras.optimizers.schedules.CosineDecayRestarts(0.1, 5)
poly = keras.optimizers.schedules.PolynomialDecay(0.1, 6, power=2.0, cycle=True)
time = keras.optimizers.schedules.InverseTimeDecay(0.1, 2, 0.5)
rates = [[float(s(k)) for k in (0, 2, 4, 7, 11)] for s in (steps, cosine, again, poly, time)]
''',
    "callbacks": '''
class Watch(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 3:
            self.model.stop_training = True


model = net()
start(model, x[:2])
model.compile(keras.optimizers.SGD(0.5), "mse")
watch = Watch()
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True)
slow = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.1, patience=1)
rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)
h = model.fit(x, y, epochs=6, verbose=0, shuffle=False, validation_data=(x, y), callbacks=[watch, stop, slow, rates])
curves, seen = h.history, watch.seen
final = model.predict(x, verbose=0)
''',
    "own losses and metrics": '''
def far(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


def worst(y_true, y_pred):
    return keras.ops.max(keras.ops.abs(y_true - y_pred))


class Scaled(keras.losses.Loss):
    def __init__(self, scale=2.0, name="scaled", **kwargs):
        super().__init__(name=name, **kwargs)
        self.scale = scale

    def call(self, y_true, y_pred):
        return self.scale * keras.ops.square(y_true - y_pred)


class Total(keras.metrics.Metric):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.total = self.add_weight(shape=(), initializer="zeros", name="total")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(keras.ops.sum(keras.ops.abs(y_true - y_pred)))
        self.count.assign_add(1.0)

    def result(self):
        return self.total / self.count


model = net()
start(model, x[:2])
model.compile("adam", loss=far, metrics=[worst, Total(), Total()])
curves = model.fit(x, y, epochs=2, verbose=0, shuffle=False).history
model.compile("adam", loss=Scaled(3.0), metrics=[Total(name="sum")])
more = model.fit(x, y[:, 0], epochs=2, verbose=0, shuffle=False).history
model.compile("adam", loss=lambda a, b: keras.ops.mean((a - b) ** 2), metrics=["mse"])
last = model.fit(x, y, epochs=1, verbose=0, shuffle=False).history
''',
    "steps": '''
model = net()
start(model, x[:2])
model.compile("sgd", "mse")
curves = model.fit(x, y, batch_size=10, epochs=3, steps_per_epoch=2, verbose=0, shuffle=False).history
more = model.fit(x, y, batch_size=10, epochs=4, initial_epoch=2, verbose=0, shuffle=False, validation_split=0.3, validation_freq=2)
epochs, later = more.epoch, more.history


def endless(size):
    while True:
        for k in range(0, 45, size):
            yield x[k : k + size], y[k : k + size]


drawn = model.fit(endless(9), steps_per_epoch=4, epochs=2, verbose=0, validation_data=endless(15), validation_steps=2).history
result = model.evaluate(endless(9), steps=3, verbose=0)
''',
    "layers by place": '''
model = keras.Sequential([layers.Dense(5, activation="tanh", name="first"), layers.BatchNormalization(), layers.Dense(1, name="last")])
model.build((None, 4))
start(model, x[:2])
count, trained = len(model.layers), []
for k, layer in enumerate(model.layers):
    if k == 0 or isinstance(layer, layers.BatchNormalization):
        layer.trainable = False
model.compile("sgd", "mse")
curves = model.fit(x, y, epochs=2, verbose=0, shuffle=False).history
names = float(model.get_layer("last") is model.layers[-1]) + len(model.trainable_variables)
flat = layers.Flatten()
again = np.array(flat(x))
''',
    "batch by batch": '''
inputs = keras.Input((4,))
h = layers.BatchNormalization(momentum=0.8)(layers.Dense(5)(inputs))
model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(layers.LeakyReLU()(h)))
start(model, x[:2])
model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.01, beta_1=0.5), metrics=["accuracy"])
labels = (y > 0).astype("float32")
losses = [model.train_on_batch(x[k : k + 15], labels[k : k + 15]) for k in (0, 15, 30)]
tested = model.test_on_batch(x, labels)
named = model.train_on_batch(x, labels, return_dict=True)
''',
    "frozen": '''
base = keras.Sequential([layers.Dense(6, activation="tanh"), layers.BatchNormalization()])
head = layers.Dense(1)
model = keras.Sequential([base, head])
start(model, x[:2])
base.trainable = False
model.compile("sgd", "mse")
curves = model.fit(x, y, epochs=2, verbose=0, shuffle=False).history
before = base.predict(x, verbose=0)
base.trainable = True
for layer in base.layers:
    layer.trainable = True
model.compile("sgd", "mse")
more = model.fit(x, y, epochs=2, verbose=0, shuffle=False).history
after = base.predict(x, verbose=0)
''',
    "averages": '''
model = net()
start(model, x[:2])
model.compile(keras.optimizers.AdamW(0.01, weight_decay=0.1, use_ema=True, ema_momentum=0.9), "mse")
curves = model.fit(x, y, epochs=2, verbose=0, shuffle=False).history
outputs = model.predict(x, verbose=0)
model.compile(keras.optimizers.SGD(0.01, gradient_accumulation_steps=2, weight_decay=0.01), "mse")
more = model.fit(x, y, epochs=2, batch_size=5, verbose=0, shuffle=False).history
''',
    "penalties": '''
class Adds(layers.Layer):
    def call(self, inputs):
        self.add_loss(0.1 * keras.ops.mean(keras.ops.square(inputs)))
        return inputs


model = keras.Sequential([layers.Dense(6, kernel_regularizer=keras.regularizers.L1(0.01), activity_regularizer="l2"), Adds(), layers.Dense(1, kernel_constraint=keras.constraints.MaxNorm(0.3))])
start(model, x[:2])
model.compile("sgd", "mse")
curves = model.fit(x, y, epochs=2, verbose=0, shuffle=False, validation_data=(x, y)).history
outputs = model.predict(x, verbose=0)
''',
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_agrees(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wanted, found, source = both(HEAD + PROGRAMS[name])
    names = [k for k in wanted if not k.startswith("__") and isinstance(wanted[k], COMPARED)]
    for variable in names:
        same(wanted[variable], found[variable])
    assert len(names) > 4  # what the head has
    assert len(source.splitlines()) < 1300
