import numpy as np
from tensorflow.keras.layers import BatchNormalization, Dense, Input, LeakyReLU
from tensorflow.keras.models import Model
from tensorflow.keras.optimizers import Adam

rng = np.random.default_rng(20)
x = rng.normal(size=(64, 6)).astype('float32')
y = (x.sum(axis=1, keepdims=True) > 0).astype('float32')

inp = Input(shape=(6,))
h = Dense(12)(inp)
h = LeakyReLU(0.2)(h)
h = BatchNormalization(momentum=0.8)(h)
out = Dense(1, activation='sigmoid')(h)
model = Model(inp, out)
model.compile(loss='binary_crossentropy', optimizer=Adam(0.002, beta_1=0.5), metrics=['accuracy'])

batch = 16
curve = []
for epoch in range(3):
    for i in range(0, len(x), batch):
        d_loss = model.train_on_batch(x[i:i + batch], y[i:i + batch])
    curve.append(float(d_loss[0]))
    print("%d [loss: %f, acc.: %.2f%%]" % (epoch, d_loss[0], 100 * d_loss[1]))

final = model.test_on_batch(x, y)
shown = model.predict_on_batch(x[:3])
