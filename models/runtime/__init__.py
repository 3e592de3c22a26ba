"""What runs inside containers: training, measuring and serving, and the plug-ins they are made of.

A model is composed of a *task* (what is predicted), an *input* (what a client sends) and a
*backend* (what learns). Each is one file in ``tasks/``, ``inputs/`` or ``backends/``; its base
class, in ``task.py``, ``input.py`` or ``backend.py``, shows how to write another one.
"""
