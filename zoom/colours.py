"""Two colour maps of the page, so that the command needs no plotting library."""

import numpy as np

# Colours at equal distances, from the lowest value to the highest, linear in between.
MAPS = {
    # Perceptually uniform (matplotlib's, CC0).
    "inferno": """
        000004 040312 0b0724 150b37 210c4a 2f0a5b 3d0965 4a0c6b 57106e 64156e 71196e 7d1e6d 8a226a 972766
        a32c61 b0315b bc3754 c73e4c d24644 db503b e45a31 eb6628 f1731d f68013 f98e09 fb9d07 fcac11 fbbc21
        f9cb35 f5db4c f2ea69 f3f68a fcffa4
    """,
    # Red to blue, reversed (ColorBrewer, www.colorbrewer.org).
    "RdBu_r": """
        053061 2065ab 4393c3 90c4dd d1e5f0 f7f6f6 fddbc7 f3a481 d6604d b1182b 67001f
    """,
}


def colour(shares: np.ndarray, name: str) -> np.ndarray:
    """``shares`` (H, W) in [0, 1] → (H, W, 4) red, green, blue and opacity (1), in [0, 1]."""
    anchors = np.array([list(bytes.fromhex(word)) for word in MAPS[name].split()]) / 255
    places = np.linspace(0, 1, len(anchors))
    picture = np.ones((*shares.shape, 4))
    for channel in range(3):
        picture[..., channel] = np.interp(shares, places, anchors[:, channel])
    return picture
