"""Conversions for which Keras has to build the model: in a process of its own.

`rebuilt.py`, `staging.py`, `safety.py` and `child.py` run in this process, and import neither
Keras nor TensorFlow. `worker.py` and what it uses run in the other. A module a target
(`savedmodel.py`, …) has both halves: the CONVERTER, and what the worker calls.
"""
