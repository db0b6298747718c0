"""One file a trained network: ``build(**size)`` makes it, ``Training`` says with what losses it learns."""
