import numpy as np
import keras

rng = np.random.default_rng(9)
features = rng.normal(size=(200, 6)).astype("float32")
targets = (features[:, :1] > 1.2).astype("uint8")

held_out = int(len(features) * 0.2)
seen = features[:-held_out]
seen_targets = targets[:-held_out]
unseen = features[-held_out:]
unseen_targets = targets[-held_out:]

counts = np.bincount(seen_targets[:, 0])
weight_for_0 = 1.0 / counts[0]
weight_for_1 = 1.0 / counts[1]

mean = np.mean(seen, axis=0)
seen -= mean
unseen -= mean
std = np.std(seen, axis=0)
seen /= std
unseen /= std

model = keras.Sequential(
    [
        keras.Input(shape=seen.shape[1:]),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)

metrics = [
    keras.metrics.FalseNegatives(name="fn"),
    keras.metrics.FalsePositives(name="fp"),
    keras.metrics.TrueNegatives(name="tn"),
    keras.metrics.TruePositives(name="tp"),
    keras.metrics.Precision(name="precision"),
    keras.metrics.Recall(name="recall"),
]
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="binary_crossentropy", metrics=metrics)

callbacks = [keras.callbacks.ModelCheckpoint("at_epoch_{epoch}.keras")]
class_weight = {0: weight_for_0, 1: weight_for_1}

history = model.fit(
    seen,
    seen_targets,
    batch_size=64,
    epochs=3,
    verbose=2,
    callbacks=callbacks,
    validation_data=(unseen, unseen_targets),
    class_weight=class_weight,
)
