import numpy as np
from keras.models import Sequential
from keras.layers import LSTM, Dense, RepeatVector, TimeDistributed

# a sine with noise, in windows
rng = np.random.RandomState(1)
series = np.sin(np.arange(0, 30, 0.2)) + rng.normal(scale=0.05, size=150)
lo, hi = series.min(), series.max()
scaled = (series - lo) / (hi - lo)


def split_sequence(sequence, n_in, n_out):
    X, y = list(), list()
    for i in range(len(sequence)):
        end_ix = i + n_in
        out_end_ix = end_ix + n_out
        if out_end_ix > len(sequence):
            break
        seq_x, seq_y = sequence[i:end_ix], sequence[end_ix:out_end_ix]
        X.append(seq_x)
        y.append(seq_y)
    return np.array(X), np.array(y)


n_steps_in, n_steps_out, n_features = 9, 3, 1
X, y = split_sequence(scaled, n_steps_in, n_steps_out)
X = X.reshape((X.shape[0], X.shape[1], n_features))
y = y.reshape((y.shape[0], y.shape[1], n_features))
train = int(len(X) * 0.8)

model = Sequential()
model.add(LSTM(10, activation='relu', input_shape=(n_steps_in, n_features)))
model.add(RepeatVector(n_steps_out))
model.add(LSTM(10, activation='relu', return_sequences=True))
model.add(TimeDistributed(Dense(1)))
model.compile(optimizer='adam', loss='mse', metrics=['mae'])
history = model.fit(X[:train], y[:train], epochs=3, batch_size=16, verbose=0, shuffle=False,
                    validation_data=(X[train:], y[train:]))
yhat = model.predict(X[train:], verbose=0)
yhat = yhat[..., 0] * (hi - lo) + lo
actual = y[train:, :, 0] * (hi - lo) + lo
errors = np.sqrt(np.mean((yhat - actual) ** 2, axis=0))
last = model.predict(scaled[-n_steps_in:].reshape((1, n_steps_in, n_features)), verbose=0)[0]
