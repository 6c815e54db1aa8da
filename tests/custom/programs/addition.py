import keras
from keras import layers
import numpy as np

# How many sums, and of how many digits.
SUMS = 80
DIGITS = 2
MAXLEN = DIGITS + 1 + DIGITS


class Alphabet:
    """Characters to one-hot rows and back."""

    def __init__(self, chars):
        self.chars = sorted(set(chars))
        self.number_of = dict((c, i) for i, c in enumerate(self.chars))
        self.char_of = dict((i, c) for i, c in enumerate(self.chars))

    def encode(self, C, num_rows):
        x = np.zeros((num_rows, len(self.chars)))
        for i, c in enumerate(C):
            x[i, self.number_of[c]] = 1
        return x

    def decode(self, x, scores=True):
        if scores:
            x = x.argmax(axis=-1)
        return "".join(self.char_of[x] for x in x)


chars = "0123456789+ "
alphabet = Alphabet(chars)
rng = np.random.default_rng(7)

asked, answers = [], []
while len(asked) < SUMS:
    a, b = int(rng.integers(0, 100)), int(rng.integers(0, 100))
    q = f"{a}+{b}"
    query = q + " " * (MAXLEN - len(q))
    ans = str(a + b)
    ans += " " * (DIGITS + 1 - len(ans))
    asked.append(query[::-1])
    answers.append(ans)

x = np.zeros((len(asked), MAXLEN, len(chars)), dtype=bool)
y = np.zeros((len(asked), DIGITS + 1, len(chars)), dtype=bool)
for i, line in enumerate(asked):
    x[i] = alphabet.encode(line, MAXLEN)
for i, line in enumerate(answers):
    y[i] = alphabet.encode(line, DIGITS + 1)

split_at = len(x) - len(x) // 10
(x_train, x_val) = x[:split_at], x[split_at:]
(y_train, y_val) = y[:split_at], y[split_at:]

num_layers = 1
model = keras.Sequential()
model.add(layers.Input((MAXLEN, len(chars))))
# the last state of the encoder ...
model.add(layers.LSTM(16))
# ... is repeated for every digit of the answer
model.add(layers.RepeatVector(DIGITS + 1))
for _ in range(num_layers):
    model.add(layers.LSTM(16, return_sequences=True))
model.add(layers.Dense(len(chars), activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.summary()

losses = []
for epoch in range(1, 3):
    print("round", epoch)
    result = model.fit(x_train, y_train, batch_size=16, epochs=1, validation_data=(x_val, y_val))
    losses.append(result.history["loss"][0])
    for i in range(2):
        rowx, rowy = x_val[np.array([i])], y_val[np.array([i])]
        preds = np.argmax(model.predict(rowx), axis=-1)
        guess = alphabet.decode(preds[0], scores=False)
        print(alphabet.decode(rowx[0])[::-1], "=", alphabet.decode(rowy[0]), "or", guess)
