"""The names of the outputs, for BIDS datasets and other files."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import UserError
from zoom.output import SUFFIXES, suffix_of

BIDS_NAME = re.compile(r"(?P<subject>sub-[A-Za-z0-9]+)(?P<entities>(_[a-z]+-[A-Za-z0-9+]+)*)_(?P<suffix>[A-Za-z0-9]+)")
INPUT_SUFFIXES = (*SUFFIXES, ".img.gz", ".hdr.gz", ".img", ".hdr")
#: A name that ends like a file is not a new folder: ``out.nrrd``, or ``out.nii.gx`` by mistake. ``run-1.2`` is one.
LIKE_A_FILE = re.compile(r"\.[a-z][a-z0-9]{0,4}", re.IGNORECASE)


@dataclass(frozen=True)
class Bids:
    """A scan's place in a BIDS dataset: ``root`` of the dataset, ``path`` of the scan below it."""

    root: Path
    path: Path


@dataclass(frozen=True)
class Names:
    """The files of one zoom.

    ``bids``: the scan's place, if it is in a dataset; ``root``: of the derivatives, if the output is in a separate
    dataset; ``labels``: the labels on the output's grid, if there are labels.
    """

    image: Path
    spread: Path
    sidecar: Path
    page: Path
    bids: Bids | None = None
    root: Path | None = None
    labels: Path | None = None

    @property
    def spread_sidecar(self) -> Path:
        """The description of the map of the spread."""
        return _json(self.spread)

    @property
    def labels_sidecar(self) -> Path | None:
        """The description of the labels."""
        return _json(self.labels) if self.labels else None

    @property
    def view(self) -> Path:
        """The page of ``--viewer``."""
        return self.page.with_name(f"{self.page.stem}_view.html")

    def all(self, uncertainty: bool, viewer: bool = False) -> list[Path]:
        """Every file that is made."""
        spread = [self.spread, self.spread_sidecar] if uncertainty else []
        labels = [one for one in (self.labels, self.labels_sidecar) if one]
        return [self.image, self.sidecar, self.page, *spread, *labels, *([self.view] if viewer else [])]


def _json(image: Path) -> Path:
    return image.with_name(f"{image.name.removesuffix(suffix_of(image))}.json")


def stem(path: Path) -> str:
    """Name without the image suffix."""
    for suffix in INPUT_SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def find_bids(scan: Path) -> Bids | None:
    """The dataset of a scan, if its name and its folders have the same subject."""
    scan = scan.absolute()
    matched = BIDS_NAME.fullmatch(stem(scan))
    if not matched:
        return None
    for folder in scan.parents:
        if folder.name == matched["subject"]:
            return Bids(folder.parent, scan.relative_to(folder.parent))
    return None


def entities(name: str) -> dict[str, str]:
    """The parts of a BIDS name without its suffix: ``sub-01_T1w`` → ``{"sub": "01", "suffix": "T1w"}``."""
    *pairs, suffix = name.split("_")
    return {**dict(pair.split("-", 1) for pair in pairs if "-" in pair), "suffix": suffix}


def resolution(n: float | None, zoom: float | None, spacing: float | None, in_plane: int) -> str:
    """BIDS label of the output's resolution, from the request: ``5x``, ``2p5x`` (slices for each slice of the scan) or
    ``1mm``, and ``4x4`` if the output is finer in plane.
    """
    factor = f"{spacing:.6g}mm" if spacing is not None else f"{n + 1 if n is not None else zoom or 1:.6g}x"
    return re.sub(r"[^A-Za-z0-9]", "", factor.replace(".", "p")) + (f"{in_plane}x{in_plane}" if in_plane != 1 else "")


def derivative(bids: Bids, label: str) -> Path:
    """``sub-01/anat/sub-01_T1w.nii.gz`` → ``sub-01/anat/sub-01_res-5x_desc-zoom_T1w.nii.gz``, with ``label`` ``5x``."""
    matched = BIDS_NAME.fullmatch(stem(bids.path))
    if matched is None:
        raise UserError(f"{bids.path}: not a BIDS name")
    kept = re.sub(r"_(res|desc)-[A-Za-z0-9+]+", "", matched["entities"])
    last = re.search(r"(_(den|label)-[A-Za-z0-9+]+)*$", kept)  # in the specification's order these come after res
    place = last.start() if last else len(kept)
    name = f"{matched['subject']}{kept[:place]}_res-{label}{kept[place:]}_desc-zoom_{matched['suffix']}.nii.gz"
    return bids.path.with_name(name)


def is_derivative(name: str) -> bool:
    """Whether an output's name, without suffix, is a result of ``derivative``."""
    matched = BIDS_NAME.fullmatch(Path(name).name)
    return matched is not None and "_desc-zoom" in matched["entities"]


def relative_name(scan: Path, label: str) -> Path:
    """The path of a scan's outputs below a folder: BIDS derivatives, or the scan's name with ``_zoom``.

    ``label``: see ``resolution``.
    """
    bids = find_bids(scan)
    return derivative(bids, label) if bids else Path(f"{stem(scan)}_zoom.nii.gz")


def is_folder(output: Path) -> bool:
    """Whether an output that is asked for is a folder to name files in, or else a file."""
    return output.is_dir() or not LIKE_A_FILE.fullmatch(output.suffix)


def names(scan: Path, output: Path, label: str, labels: Path | None = None) -> Names:
    """The outputs for ``output``: an image file, or a folder (BIDS derivatives of a BIDS scan, else by its name).

    ``label``: see ``resolution``; ``labels``: a file of labels for the output's grid.
    """
    bids = find_bids(scan)
    folder = is_folder(output)
    image = output / relative_name(scan, label) if folder else output
    base = image.name.removesuffix(suffix_of(image))
    spread = base.replace("_desc-zoom", "_desc-zoomspread") if is_derivative(base) else f"{base}_spread"
    if image.exists() and scan.exists() and os.path.samefile(image, scan):
        raise UserError(f"{image}: the output is the scan itself; give another name")
    return Names(
        image,
        image.with_name(f"{spread}{suffix_of(image)}"),
        image.with_name(f"{base}.json"),
        image.with_name(f"{base}.html"),
        bids,
        output if folder and bids else None,
        _labels(image, labels, bids if folder else None, label) if labels else None,
    )


def _labels(image: Path, labels: Path, bids: Bids | None, label: str) -> Path:
    """The labels' file next to ``image``: by their own BIDS name if they have one, else by the image's name."""
    if bids is None:
        return image.with_name(f"{image.name.removesuffix(suffix_of(image))}_labels{suffix_of(image)}")
    own = find_bids(labels)
    if own and own.path.parts[0] == bids.path.parts[0]:
        return image.with_name(derivative(own, label).name)
    return image.with_name(f"{image.name.rsplit('_', 1)[0]}_dseg{suffix_of(image)}")
