"""Figure 1: how the latent diffusion model learns, and how it draws a slice."""

from matplotlib.figure import Figure

from benchmark.figures.boxes import NETWORK, STEP, Box, arrow, box, image, sheet
from benchmark.figures.setting import STEPS, Setting, blocks


def draw(setting: Setting) -> tuple[Figure, str]:
    """Upper row: training, left to right. Lower row: sampling, left to right. The U-Net belongs to both."""
    vq, figure, axis = setting.of("vq"), *sheet(84)
    true, _ = setting.pictures
    channels, reversed_ = (" · ".join(map(str, order)) for order in (vq["channels"], vq["channels"][::-1]))
    axis.text(2, 82, "training", fontsize=8, style="italic", va="top")
    axis.text(2, 13, "sampling", fontsize=8, style="italic", va="top")

    x = image(axis, Box(14, 65, 19, 19), true, f"x: slice,\n{setting.frame}×3")
    encoder = box(
        axis,
        Box(46, 65, 31, 17),
        "encoder E",
        f"channels {channels}\n{blocks(vq['layers_per_block'])} a level",
        NETWORK,
    )
    z = box(axis, Box(80, 65, 23, 17), "latent z", setting.latent)
    noisy = box(axis, Box(112, 65, 29, 17), "noisy latent", f"√ᾱ z + √(1 − ᾱ) ε\nt of {STEPS} steps", STEP)
    unet = box(axis, Box(112, 38, 42, 21), "U-Net f", setting.unet, NETWORK)
    loss = box(axis, Box(162, 65, 33, 17), "loss", "mean of (ε − predicted ε)²", STEP)
    for start, end in ((x, encoder), (encoder, z), (z, noisy)):
        arrow(axis, start.right, end.left)
    arrow(axis, noisy.bottom, unet.top)
    arrow(axis, (unet.right[0], unet.y + 5), loss.bottom, bend=0.25)
    arrow(axis, noisy.right, loss.left, "ε")

    low = image(axis, Box(14, 38, 17, 17), setting.coarse(true), f"x at low resolution,\n{setting.low}")
    arrow(axis, low.right, unet.left, "the condition: channels next to the noisy latent")

    noise = image(axis, Box(30, 12, 13, 13), setting.noise(1), "noise N(0, I)")
    steps = box(axis, Box(70, 12, 33, 15), "T steps back", f"{setting.sampler}\nby the U-Net", STEP)
    codes = box(axis, Box(107, 12, 27, 15), "nearest codes", f"of {vq['codes']}", NETWORK)
    decoder = box(axis, Box(145, 12, 33, 15), "decoder D", f"channels {reversed_}", NETWORK)
    out = image(axis, Box(178, 12, 15, 15), true, setting.frame)
    for start, end in ((noise, steps), (steps, codes), (codes, decoder), (decoder, out)):
        arrow(axis, start.right, end.left)
    arrow(axis, (unet.left[0] + 6, unet.bottom[1]), (steps.x + 6, steps.top[1]))
    caption = (
        "The latent diffusion model with the sizes of this study's configuration. Training: a slice x of "
        f"{setting.frame} pixels (grey, as three equal channels) is encoded to a latent z of {setting.latent}; noise "
        f"of a random one of {STEPS} steps is added, and the U-Net learns to predict that noise, given the same slice "
        f"at {setting.low} as a condition (eqs. 1 to 3). The first stage (encoder, codes, decoder) is trained before "
        f"and then frozen. Sampling: from noise back to a latent ({setting.sampler}), which is replaced by its "
        "nearest codes and decoded. Blue: data; orange: trained networks; green: calculations. The pictures are a "
        "phantom."
    )
    return figure, caption
