"""Wrote history.json beside it, with skorch 1.4: `python write.py`. skorch is no package of CI."""

import os

import numpy as np
import torch
from skorch import NeuralNetRegressor

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(1)
x = np.random.default_rng(1).random((40, 2), dtype="float32")
net = NeuralNetRegressor(torch.nn.Linear(2, 1), max_epochs=4, lr=0.2, verbose=0)
net.fit(x, x.sum(axis=1, keepdims=True))
net.save_params(f_history=os.path.join(here, "history.json"))
