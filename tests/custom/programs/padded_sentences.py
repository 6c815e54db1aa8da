import os
import numpy as np
import keras
from keras.layers import Dense, Embedding, GlobalAveragePooling1D, Input
from keras.models import Model, load_model
from keras.utils import pad_sequences

VOCAB, MAXLEN = 30, 12
rng = np.random.default_rng(0)
sentences = [list(rng.integers(1, VOCAB, size=rng.integers(3, 16))) for _ in range(90)]
labels = np.array([1 if sum(s) / len(s) > VOCAB / 2 else 0 for s in sentences])
data = pad_sequences(sentences, maxlen=MAXLEN, padding="post", truncating="post")
indices = np.arange(len(data))
cut = int(0.8 * len(data))
x_train, y_train = data[indices[:cut]], labels[indices[:cut]]
x_val, y_val = data[indices[cut:]], labels[indices[cut:]]

text_in = Input(shape=(MAXLEN,), dtype="int32")
h = Embedding(VOCAB, 8, mask_zero=True)(text_in)
h = GlobalAveragePooling1D()(h)
h = Dense(8, activation="gelu")(h)
prob = Dense(1, activation="sigmoid")(h)
clf = Model(text_in, prob)
clf.compile(
    loss="binary_crossentropy", optimizer=keras.optimizers.SGD(0.5),
    metrics=["accuracy", keras.metrics.AUC(name="auc"), keras.metrics.Precision(), keras.metrics.Recall()],
)
ckpt = keras.callbacks.ModelCheckpoint("best.weights.h5", monitor="val_loss", save_best_only=True, save_weights_only=True)
h = clf.fit(x_train, y_train, batch_size=24, epochs=4, shuffle=False, validation_data=(x_val, y_val), callbacks=[ckpt], verbose=0)
if os.path.exists("best.weights.h5"):
    clf.load_weights("best.weights.h5")
scores = clf.evaluate(x_val, y_val, verbose=0, return_dict=True)
clf.save("clf.keras")
again = load_model("clf.keras")
p = again.predict(x_val, verbose=0)[:, 0]
hits = float(((p > 0.5).astype(int) == y_val).mean())
