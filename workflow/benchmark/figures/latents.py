"""Figure 2: new slices between two, interpolated in the space of the latents."""

from matplotlib.figure import Figure

from benchmark.figures.boxes import NETWORK, STEP, Box, arrow, box, image, sheet
from benchmark.figures.setting import Setting, blocks


def draw(setting: Setting) -> tuple[Figure, str]:
    """Two low-resolution slices on the left, each sampled; their latents mixed; everything decoded on the right."""
    n, (a, b), edsr = setting.spec["n"], setting.pictures, setting.of("edsr")
    figure, axis = sheet(80)
    ends = []
    for name, pixels, y in (("A", a, 62), ("B", b, 20)):
        low = image(axis, Box(12, y, 17, 17), setting.coarse(pixels), f"slice {name}, {setting.low}")
        noise = image(axis, Box(34, y, 12, 12), setting.noise(ord(name)), "noise N(0, I)")
        sampled = box(axis, Box(62, y, 29, 15), "sampling", f"{setting.sampler}\nby the U-Net", NETWORK)
        latent = box(axis, Box(98, y, 25, 13), f"latent {name}", setting.latent)
        arrow(axis, (low.right[0], y + 5), (sampled.left[0], y + 5), bend=-0.25)
        arrow(axis, noise.right, sampled.left)
        arrow(axis, sampled.right, latent.left)
        ends.append(latent)
    mixed = box(axis, Box(98, 41, 46, 14), "n latents between", "A + j / (n + 1) · (B − A),  j = 1 … n", STEP)
    arrow(axis, ends[0].bottom, mixed.top)
    arrow(axis, ends[1].top, mixed.bottom)
    codes = "nearest codes first" if setting.sampling.get("quantise_interpolated", True) else "codes left out"
    decoder = box(
        axis,
        Box(143, 41, 27, 30),
        "decoder D",
        f"{codes}\n\nthen EDSR:\n{blocks(edsr['blocks'])} of {edsr['width']}",
        NETWORK,
    )
    for start in (*ends, mixed):
        arrow(axis, start.right, (decoder.left[0], decoder.y + (start.y - decoder.y) / 3))
    half = (a + b) / 2
    for pixels, y, text in ((a, 65, f"slice A, {setting.frame}"), (half, 41, "n new slices"), (b, 17, "slice B")):
        out = image(axis, Box(177, y, 17, 17), pixels, text)
        arrow(axis, (decoder.right[0], decoder.y + (y - decoder.y) / 3), out.left)
    caption = (
        f"New slices between two. Both low-resolution slices ({setting.low}) are sampled from noise by the diffusion "
        f"model ({setting.sampler}), each with its own noise. n latents ({setting.latent}) are taken at equal "
        f"distances on the line between the two (eq. 6), and all n + 2 are decoded to {setting.frame} and sharpened "
        f"by EDSR. The study's tables have n = {n}. Orange: trained networks; green: a calculation. The pictures are "
        "a phantom, and its new slice is a plain mean."
    )
    return figure, caption
