"""One file a trained network: ``build(**size)`` makes it, ``Training`` says with what losses it learns.

``ABOUT`` holds what others must know without importing the file: its cost and its kind. It is a literal, because
``benchmark.networks`` reads it from the source text; its keys are described there. Times are estimated for an A100:
forward and backward operations of a step (three times `make models`, with frozen networks and crops as in the config)
over the 16 TFLOP/s that an A100 sustains with TF32. Small networks are bound by launching kernels.
"""
