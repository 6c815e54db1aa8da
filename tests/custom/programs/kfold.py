import numpy as np
from keras import layers, models

rng = np.random.default_rng(21)
train_data = rng.normal(size=(60, 5)).astype("float32")
train_targets = rng.normal(size=60).astype("float32")


def small_model():
    model = models.Sequential()
    model.add(layers.Input(shape=(train_data.shape[1],)))
    model.add(layers.Dense(8, activation="relu"))
    model.add(layers.Dense(8, activation="relu"))
    model.add(layers.Dense(1))
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


k = 3
size = len(train_data) // k
all_scores = []
all_mae_histories = []

for i in range(k):
    print("fold", i + 1, "of", k)
    val_data = train_data[i * size: (i + 1) * size]
    val_targets = train_targets[i * size: (i + 1) * size]
    others = np.concatenate(
        [train_data[:i * size], train_data[(i + 1) * size:]], axis=0)
    others_targets = np.concatenate(
        [train_targets[:i * size], train_targets[(i + 1) * size:]], axis=0)

    model = small_model()
    history = model.fit(others, others_targets,
                        validation_data=(val_data, val_targets), epochs=3, batch_size=10, verbose=0)
    val_mse, val_mae = model.evaluate(val_data, val_targets, verbose=0)
    all_scores.append(val_mae)
    all_mae_histories.append(history.history["val_mae"])

average_mae_history = [np.mean([x[i] for x in all_mae_histories]) for i in range(3)]
score = np.mean(all_scores)
