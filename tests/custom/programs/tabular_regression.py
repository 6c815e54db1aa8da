"""Regression on a table, Keras 3 style."""
import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(812)
rng = np.random.default_rng(3)
features = rng.normal(size=(120, 8)).astype("float32") * 3 + 1
target = (features[:, 0] * 2 - features[:, 3] + rng.normal(size=120) * 0.1).astype("float32")
split = 100
mean, std = features[:split].mean(axis=0), features[:split].std(axis=0)
x_train, x_val = (features[:split] - mean) / std, (features[split:] - mean) / std
y_train, y_val = target[:split], target[split:]


def r_squared(y_true, y_pred):
    residual = ops.sum(ops.square(y_true - y_pred))
    total = ops.sum(ops.square(y_true - ops.mean(y_true)))
    return 1.0 - residual / (total + keras.config.epsilon())


def build_model(hidden=(32, 16), l2=1e-3):
    inputs = keras.Input(shape=(x_train.shape[1],), name="features")
    x = inputs
    for i, units in enumerate(hidden):
        x = layers.Dense(units, kernel_regularizer=keras.regularizers.L2(l2), name=f"hidden_{i}")(x)
        x = layers.LayerNormalization()(x)
        x = layers.Activation("silu")(x)
    outputs = layers.Dense(1, name="price")(x)
    return keras.Model(inputs, outputs, name="tabular")


model = build_model()
model.summary()
model.compile(
    optimizer=keras.optimizers.AdamW(learning_rate=5e-3, weight_decay=1e-2),
    loss=keras.losses.Huber(delta=1.5),
    metrics=["mae", r_squared],
)
callbacks = [
    keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_delta=0.5),
    keras.callbacks.EarlyStopping(monitor="val_mae", patience=3, restore_best_weights=True),
]
history = model.fit(
    x_train, y_train, validation_data=(x_val, y_val), epochs=6, batch_size=20, shuffle=False,
    callbacks=callbacks, verbose=2,
)
results = model.evaluate(x_val, y_val, verbose=0)
preds = model.predict(x_val).flatten()
rmse = float(np.sqrt(np.mean((preds - y_val) ** 2)))
print(f"rmse {rmse:.3f}", dict(zip(model.metrics_names, results)))
