import keras
import numpy as np

rng = np.random.default_rng(8)
x_train = rng.normal(size=(80, 24)).astype("float32")
y_train = rng.choice([-1, 1], 80)
x_train = x_train.reshape((x_train.shape[0], x_train.shape[1], 1))

num_classes = len(np.unique(y_train))
idx = np.random.RandomState(1).permutation(len(x_train))
x_train, y_train = x_train[idx], y_train[idx]
y_train[y_train == -1] = 0


def network(input_shape):
    series = keras.layers.Input(input_shape)

    conv1 = keras.layers.Conv1D(filters=6, kernel_size=3, padding="same")(series)
    conv1 = keras.layers.BatchNormalization()(conv1)
    conv1 = keras.layers.ReLU()(conv1)

    conv2 = keras.layers.Conv1D(filters=6, kernel_size=3, padding="same")(conv1)
    conv2 = keras.layers.BatchNormalization()(conv2)
    conv2 = keras.layers.ReLU()(conv2)

    gap = keras.layers.GlobalAveragePooling1D()(conv2)
    answer = keras.layers.Dense(num_classes, activation="softmax")(gap)
    return keras.models.Model(inputs=series, outputs=answer)


model = network(input_shape=x_train.shape[1:])

epochs = 5
batch_size = 16

callbacks = [
    keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True, monitor="val_loss"),
    keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_lr=0.0001),
    keras.callbacks.EarlyStopping(monitor="val_loss", patience=50, verbose=1),
]
model.compile(
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    metrics=["sparse_categorical_accuracy"],
)
history = model.fit(
    x_train,
    y_train,
    batch_size=batch_size,
    epochs=epochs,
    callbacks=callbacks,
    validation_split=0.2,
    verbose=1,
)

model = keras.models.load_model("best.keras")
test_loss, test_acc = model.evaluate(x_train, y_train)
print(f"best epoch: {test_loss:.4f}, {test_acc:.2%} right")
