"""One file per trained network: ``build(**size)`` makes the network, ``Training`` defines its losses.

``ABOUT`` describes the network and its cost for code that does not import the file. It is a literal, because
``benchmark.config.networks`` reads it from the source text and describes its keys. Costs are those at the article's
size. ``step_seconds`` is for 16 slices of 256×256 pixels in bf16-mixed (2026-11-26): measured on an H200 for ``ldm``
alone and for ``vq`` alone (without perceptual and adversarial losses); for the others estimated from a run in which
five trainings shared an H200. For small networks, launching kernels takes most of the time. ``training_mb`` is
estimated from the sizes of the features that gradients need, in float32; ``restoring_mb`` was measured in float32.
`snakemake speed` measures on your own machine.
"""
