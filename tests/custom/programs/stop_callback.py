import numpy as np
import tensorflow as tf


class myCallback(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs={}):
        '''Halts the training once the loss is small enough.'''
        if logs.get('loss') < 1.58:
            print("\nLoss is low so cancelling training!")
            self.model.stop_training = True


class LossHistory(tf.keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(float(logs["loss"]))


rng = np.random.default_rng(13)
training_images = rng.integers(0, 256, (100, 8, 8)) / 255.0
training_labels = rng.integers(0, 5, 100)

model = tf.keras.models.Sequential([
    tf.keras.layers.Flatten(input_shape=(8, 8)),
    tf.keras.layers.Dense(32, activation=tf.nn.relu),
    tf.keras.layers.Dense(5, activation=tf.nn.softmax)
])
model.compile(optimizer=tf.keras.optimizers.Adam(0.005), loss='sparse_categorical_crossentropy', metrics=['accuracy'])

callbacks = myCallback()
batches = LossHistory()
history = model.fit(training_images, training_labels, epochs=20, callbacks=[callbacks, batches])
epochs_run = len(history.history['loss'])
batch_losses = batches.losses
