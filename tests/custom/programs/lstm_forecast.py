import numpy as np
from keras.models import Sequential
from keras.layers import LSTM, Dense, Dropout, Input

series = np.sin(np.arange(120) / 7.0) + 0.05 * np.random.RandomState(25).randn(120)
# normalise to 0..1
series = (series - series.min()) / (series.max() - series.min())


def create_dataset(data, look_back=1):
    X, Y = [], []
    for i in range(len(data) - look_back - 1):
        X.append(data[i:(i + look_back)])
        Y.append(data[i + look_back])
    return np.array(X), np.array(Y)


look_back = 6
trainX, trainY = create_dataset(series[:90], look_back)
testX, testY = create_dataset(series[90:], look_back)
# reshape input to be [samples, time steps, features]
trainX = np.reshape(trainX, (trainX.shape[0], trainX.shape[1], 1))
testX = np.reshape(testX, (testX.shape[0], testX.shape[1], 1))

model = Sequential()
model.add(Input(shape=(look_back, 1)))
model.add(LSTM(units=8, return_sequences=True))
model.add(Dropout(0.2))
model.add(LSTM(units=8))
model.add(Dense(units=1))
model.compile(loss='mean_squared_error', optimizer='adam')
history = model.fit(trainX, trainY, epochs=3, batch_size=16, verbose=2)

trainPredict = model.predict(trainX)
trainScore = np.sqrt(np.mean((trainPredict[:, 0] - trainY) ** 2))
testScore = np.sqrt(np.mean((model.predict(testX)[:, 0] - testY) ** 2))
print('Train Score: %.2f RMSE' % (trainScore))
