import os
import numpy as np
import tensorflow as tf
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Dense, Dropout, Activation
from tensorflow.keras.callbacks import ModelCheckpoint, EarlyStopping, CSVLogger, TerminateOnNaN

np.random.seed(7)
tf.random.set_seed(7)


class Config:
    epochs = 4
    lr = 0.01


def main():
    dataset = np.random.randn(90, 5)
    X, Y = dataset[:, 0:4], (dataset[:, 4] > 0).astype(int)

    model = Sequential()
    model.add(Dense(12, input_dim=4, kernel_initializer='uniform', activation='relu'))
    model.add(Dropout(0.2))
    model.add(Dense(8, kernel_initializer='he_normal'))
    model.add(Activation('tanh'))
    model.add(Dense(1, activation='sigmoid'))
    model.compile(loss='binary_crossentropy', optimizer=tf.keras.optimizers.SGD(learning_rate=Config.lr), metrics=['accuracy'])

    # checkpoint
    filepath = "weights.best.weights.h5"
    checkpoint = ModelCheckpoint(filepath, monitor='val_accuracy', verbose=1, save_best_only=True, save_weights_only=True, mode='max')
    callbacks_list = [checkpoint, CSVLogger('log.csv', append=False), TerminateOnNaN(),
                      EarlyStopping(monitor='val_loss', min_delta=1e-4, patience=3)]
    history = model.fit(X, Y, validation_split=0.33, epochs=Config.epochs, batch_size=10, callbacks=callbacks_list, verbose=0)
    model.load_weights(filepath)
    scores = model.evaluate(X, Y, verbose=0)
    print("%s: %.2f%%" % ("loss", scores[0] * 100))
    return history.history, scores


if __name__ == '__main__':
    curves, scores = main()
    assert os.path.exists('log.csv')
