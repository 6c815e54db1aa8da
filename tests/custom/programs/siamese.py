import random

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras import backend as K

num_classes = 4
margin = 1

rng = np.random.default_rng(3)
x_train = rng.random((60, 8, 8)).astype("float32")
y_train = rng.integers(0, num_classes, 60)
random.seed(3)


def make_pairs(x, places):
    '''A pair of equal classes, then a pair of different ones, and so on.'''
    pairs = []
    labels = []
    n = min([len(places[d]) for d in range(num_classes)]) - 1
    for d in range(num_classes):
        for i in range(n):
            z1, z2 = places[d][i], places[d][i + 1]
            pairs += [[x[z1], x[z2]]]
            dn = (d + random.randrange(1, num_classes)) % num_classes
            z1, z2 = places[d][i], places[dn][i]
            pairs += [[x[z1], x[z2]]]
            labels += [1, 0]
    return np.array(pairs), np.array(labels).astype('float32')


def shared_network(input_shape):
    '''The network that both branches share.'''
    input = keras.Input(shape=input_shape)
    x = layers.Flatten()(input)
    x = layers.Dense(16, activation='relu')(x)
    x = layers.Dropout(0.1)(x)
    x = layers.Dense(8, activation='relu')(x)
    return keras.Model(input, x)


def euclidean_distance(pair):
    x, y = pair
    squares = K.sum(K.square(x - y), axis=1, keepdims=True)
    return K.sqrt(K.maximum(squares, K.epsilon()))


def contrastive_loss(y_true, y_pred):
    '''Pulls pairs of a kind together and pushes others apart.'''
    square_pred = K.square(y_pred)
    margin_square = K.square(K.maximum(margin - y_pred, 0))
    return K.mean(y_true * square_pred + (1 - y_true) * margin_square)


def accuracy(y_true, y_pred):
    '''Pairs nearer than one half count as equal.'''
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, y_true.dtype)))


places = [np.where(y_train == i)[0] for i in range(num_classes)]
pairs_train, same_train = make_pairs(x_train, places)

base_network = shared_network((8, 8))
input_a = keras.Input(shape=(8, 8))
input_b = keras.Input(shape=(8, 8))

# the same network twice: its weights are shared
seen_a = base_network(input_a)
seen_b = base_network(input_b)
distance = layers.Lambda(euclidean_distance)([seen_a, seen_b])
model = keras.Model([input_a, input_b], distance)

rms = keras.optimizers.RMSprop()
model.compile(loss=contrastive_loss, optimizer=rms, metrics=[accuracy])
history = model.fit([pairs_train[:, 0], pairs_train[:, 1]], same_train, batch_size=16, epochs=3)
y_pred = model.predict([pairs_train[:, 0], pairs_train[:, 1]])
