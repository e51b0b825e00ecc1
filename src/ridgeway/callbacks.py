"""placeholder"""

import keras


class MaxTime(keras.callbacks.Callback):
    def __init__(self, seconds):
        super().__init__()
        self.seconds = float(seconds)


class TargetReached(keras.callbacks.Callback):
    def __init__(self, monitor, target, mode="auto"):
        super().__init__()
        self.monitor, self.target, self.mode = monitor, target, mode


class PathStopping(keras.callbacks.Callback):
    def __init__(self, monitor="val_loss", patience=5, min_delta=0, mode="auto"):
        super().__init__()
        self.monitor, self.patience, self.min_delta, self.mode = monitor, patience, min_delta, mode
