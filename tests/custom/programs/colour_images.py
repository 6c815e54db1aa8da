from __future__ import print_function
import numpy as np
import tensorflow as tf
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Conv2D, MaxPooling2D, Dense, Flatten, Dropout, BatchNormalization, Activation
from tensorflow.keras.callbacks import LearningRateScheduler
from tensorflow.keras.optimizers import SGD
from tensorflow.keras import regularizers

batch_size = 16
num_classes = 5
epochs = 3
weight_decay = 1e-4

np.random.seed(7)
x_train = np.random.randint(0, 256, (64, 12, 12, 3)).astype('uint8')
y_train = np.random.randint(0, num_classes, (64, 1))
x_test = np.random.randint(0, 256, (24, 12, 12, 3)).astype('uint8')
y_test = np.random.randint(0, num_classes, (24, 1))

x_train = x_train.astype('float32')
x_test = x_test.astype('float32')
mean = np.mean(x_train, axis=(0, 1, 2, 3))
std = np.std(x_train, axis=(0, 1, 2, 3))
x_train = (x_train - mean) / (std + 1e-7)
x_test = (x_test - mean) / (std + 1e-7)


def lr_schedule(epoch, lr):
    lrate = 0.01
    if epoch > 0:
        lrate = 0.005
    if epoch > 1:
        lrate = 0.0003
    return lrate


model = Sequential()
model.add(Conv2D(8, (3, 3), padding='same', kernel_regularizer=regularizers.l2(weight_decay), input_shape=x_train.shape[1:]))
model.add(Activation('elu'))
model.add(BatchNormalization())
model.add(Conv2D(8, (3, 3), padding='same', kernel_regularizer=regularizers.l2(weight_decay)))
model.add(Activation('elu'))
model.add(BatchNormalization())
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.0))
model.add(Flatten())
model.add(Dense(num_classes))

loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(loss=loss_fn, optimizer=SGD(learning_rate=0.01, momentum=0.9, nesterov=True), metrics=['accuracy'])
hist = model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=1, shuffle=False,
                 validation_split=0.25, callbacks=[LearningRateScheduler(lr_schedule)])
scores = model.evaluate(x_test, y_test, batch_size=12, verbose=1)
print('\nTest result: %.3f loss: %.3f' % (scores[1] * 100, scores[0]))
probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
predictions = probability_model.predict(x_test)
best = float(np.max(predictions[0]))
