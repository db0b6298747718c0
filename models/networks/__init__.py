"""One file a trained network: ``build(**size)`` makes it, ``Training`` says with what losses it learns.

``ABOUT`` holds what others must know without importing the file: what the network costs and what it is. It is a
literal, because ``benchmark.config.networks`` reads it from the source text and describes its keys. Costs are those at
the article's size. ``step_seconds`` is for 16 slices of 256×256 pixels in bf16-mixed (2026-11-26): measured alone for
``ldm`` on an H100 and for ``vq``, without perceptual and adversarial losses, on an H200; worked out for the others from
a run in which five trainings shared an H200. Small networks are bound by launching kernels. ``training_mb`` is
estimated from the sizes of the features that are kept for the gradients, in float32; ``restoring_mb`` was measured in
float32. `snakemake speed` measures on your own machine.
"""
