import csv

import numpy as np
import tensorflow as tf

# the file of customers, written here so that the program needs no download
rng = np.random.default_rng(12)
with open('Churn_Modelling.csv', 'w', newline='') as file:
    writer = csv.writer(file)
    writer.writerow(['CreditScore', 'Geography', 'Gender', 'Age', 'Balance', 'Exited'])
    for _ in range(120):
        writer.writerow([
            rng.integers(300, 900), rng.choice(['France', 'Germany', 'Spain']), rng.choice(['Female', 'Male']),
            rng.integers(18, 80), round(rng.random() * 1e5, 2), rng.integers(0, 2),
        ])

# reading it
dataset = np.genfromtxt('Churn_Modelling.csv', delimiter=',', dtype=str, skip_header=1)
X = dataset[:, :-1]
y = dataset[:, -1].astype(int)

# words to numbers
countries = np.unique(X[:, 1])
X = np.concatenate([
    (X[:, 1:2] == countries).astype('float32'),
    (X[:, 2:3] == 'Male').astype('float32'),
    X[:, [0, 3, 4]].astype('float32'),
], axis=1)

# the last customers are kept for the test
X_train, X_test, y_train, y_test = X[:96], X[96:], y[:96], y[96:]

# all features on one scale
mean, std = X_train.mean(axis=0), X_train.std(axis=0)
X_train = (X_train - mean) / std
X_test = (X_test - mean) / std

# The network
ann = tf.keras.models.Sequential()

ann.add(tf.keras.layers.Dense(units=6, activation='relu'))

ann.add(tf.keras.layers.Dense(units=6, activation='relu'))

# stays or leaves
ann.add(tf.keras.layers.Dense(units=1, activation='sigmoid'))

ann.compile(optimizer = 'adam', loss = 'binary_crossentropy', metrics = ['accuracy'])

history = ann.fit(X_train, y_train, batch_size = 32, epochs = 4)

# who is about to leave?
y_prob = ann.predict(X_test)
y_pred = (y_prob > 0.5)
cm = np.array([[np.sum((y_pred[:, 0] == p) & (y_test == t)) for p in (0, 1)] for t in (0, 1)])
print(cm)
