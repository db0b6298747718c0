"""Figure 4: a slice of the diffusion model before and after EDSR, next to the truth."""

from matplotlib.figure import Figure

from benchmark.figures.between import detail_box, mark_box
from benchmark.figures.detail import known_slice
from benchmark.figures.scene import Scene
from benchmark.print.style import content, grid, picture, row_name, white
from benchmark.scores.metrics import psnr


def draw(scene: Scene) -> tuple[Figure, str]:
    """Columns: before, after, truth. Rows: the whole slice, and the square in which the truth has the most detail."""
    index = known_slice(scene.detail, scene.subject, scene.spec["region"])
    truth = scene.truth[index]
    before, after = scene.methods
    images = {"before EDSR": scene.restored(before)[index], "after EDSR": scene.restored(after)[index], "truth": truth}
    rows, columns = content([truth[None]])
    box = detail_box(truth[None], max(8, min(rows.stop - rows.start, columns.stop - columns.start) // 3))
    figure, axes = grid(2, len(images), truth[rows, columns].shape, labels=0.2, margin=0.8)
    row_name(axes[0, 0], "slice")
    row_name(axes[1, 0], "the box, enlarged")
    for (whole, enlarged), (name, image) in zip(axes.T, images.items(), strict=True):
        picture(whole, image[rows, columns], white(truth))
        whole.set_title(name)
        mark_box(whole, box, (rows.start, columns.start))
        picture(enlarged, image[box], white(truth))
        if name != "truth":
            whole.set_xlabel(f"PSNR {psnr(image, truth):.2f} dB")
            enlarged.set_xlabel(f"PSNR {psnr(image[box], truth[box]):.2f} dB")
    caption = (
        f"One slice of the latent diffusion model before EDSR ({scene.labels[before]}) and after EDSR "
        f"({scene.labels[after]}), next to the truth. The slice is a known slice: it is super-resolved in plane, and "
        "nothing is interpolated. Boxed: the square in which the truth has the most detail. Under each picture: the "
        "PSNR of that picture; one slice says nothing about others. "
        + scene.where(f"slice {index}: the known slice with the most gradient energy")
    )
    return figure, caption
