"""The scans for the command's arguments: files, folders of images, BIDS datasets, folders of DICOM files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import UserError
from benchmark.files import json_of
from zoom.dicom import Converted, convert, has_dicom, is_dicom
from zoom.names import INPUT_SUFFIXES, entities, find_bids, is_folder, stem
from zoom.scan import LABELLED

#: Suffixes of BIDS images that hold labels, shares of tissues or pieces of a field map, not a scan.
NO_SCAN = {"dseg", "probseg", "mask", "phase", "phase1", "phase2", "phasediff", "magnitude1", "magnitude2", "fieldmap"}


WARNING = "warning   "
"""The beginning of a line that is also printed with --quiet."""


@dataclass(frozen=True)
class Task:
    """A scan and the place of its outputs: a file or a folder; ``converted``: the DICOM files of the scan."""

    scan: Path
    output: Path
    converted: Converted | None = None

    @property
    def shown(self) -> str:
        """The scan's name for messages."""
        return f"{self.converted.folder} ({self.scan.stem})" if self.converted else str(self.scan)


def gather(
    paths: Sequence[str], output: Path, work: Path, participants: Sequence[str] = (), suffixes: Sequence[str] = ()
) -> tuple[list[Task], list[str]]:
    """The scans for ``paths`` (files and folders), in order, and a line for each scan left out and each warning.

    ``work``: an empty folder for images made from DICOM files; ``participants``, ``suffixes``: only those subjects
    (``01`` or ``sub-01``) and suffixes (``T1w``) of BIDS datasets; none: all. Raises ``UserError``: a folder without a
    scan, a missing participant, a choice of scans where there is no BIDS dataset, one output file for several scans, a
    single DICOM file, DICOM files without the program that converts them.
    """
    tasks: list[Task] = []
    left_out: list[str] = []
    for number, one in enumerate(map(Path, paths)):
        dataset = one.is_dir() and _is_bids(one)
        if (participants or suffixes) and not dataset:
            option = "--participant-label" if participants else "--suffix"
            raise UserError(f"{one}: not a BIDS dataset, in which {option} could choose scans; leave out {option}")
        if not one.is_dir():
            if one.is_file() and is_dicom(one):
                raise UserError(f"{one}: a DICOM file, which is one slice; give the folder of its series")
            tasks.append(Task(one, output))
        elif dataset:
            tasks += [Task(scan, output) for scan in _subjects(one, participants, suffixes)]
        else:
            scans, without = _images(one, output)
            kind = "note      "
            if not scans and has_dicom(one):
                scans, without = _series(one, output, work / str(number))
                kind = WARNING
            if not scans:
                raise UserError(f"{one}: no scan in it; give images ({', '.join(INPUT_SUFFIXES)}) or DICOM files")
            tasks += scans
            left_out += [kind + line for line in without]
    alone = len(tasks) == 1 and (tasks[0].converted or not Path(paths[0]).is_dir())
    if not alone and not is_folder(output):
        raise UserError(f"{output}: one file for {len(tasks)} scans; give a folder")
    return tasks, left_out


def _series(folder: Path, output: Path, into: Path) -> tuple[list[Task], list[str]]:
    """Every series of a folder of DICOM files, as images in the folder ``into``."""
    into.mkdir()
    series, said = convert(folder, into)
    return [Task(one.scan, output, one) for one in series], said


def _is_bids(folder: Path) -> bool:
    """Whether a folder is a BIDS dataset: it has a description, or an image with a BIDS name and place."""
    if (folder / "dataset_description.json").is_file():
        return True
    places = (find_bids(image) for image in _below(folder))
    return any(bids.root == folder.absolute() for bids in places if bids)


def _subjects(root: Path, participants: Sequence[str], suffixes: Sequence[str]) -> list[Path]:
    """The scans of a BIDS dataset (not those of its derivatives)."""
    there = {one.name.removeprefix("sub-"): one for one in sorted(root.glob("sub-*")) if one.is_dir()}
    names = [one.removeprefix("sub-") for one in participants] or list(there)
    if missing := [one for one in names if one not in there]:
        raise UserError(f"{root}: no participant {', '.join(missing)}; there are {_some(list(there))}")
    images = [image for one in dict.fromkeys(names) for image in _below(there[one]) if _wanted(image, suffixes)]
    if not images:
        raise UserError(f"{root}: no scan in it{' with the suffix ' + ', '.join(suffixes) if suffixes else ''}")
    return images


def _wanted(image: Path, suffixes: Sequence[str]) -> bool:
    if not find_bids(image) or made_here(image):
        return False
    parts = entities(stem(image))
    if suffixes:
        return parts["suffix"] in suffixes
    return parts["suffix"] not in NO_SCAN and parts.get("part") != "phase"


def _images(folder: Path, output: Path) -> tuple[list[Task], list[str]]:
    """Every image in a folder that is not a BIDS dataset; the outputs keep the subfolders."""
    tasks, left_out = [], []
    own = output.resolve()
    for image in _below(folder):
        inside = own != folder.resolve() and own in image.resolve().parents
        if inside or made_here(image):
            continue
        if LABELLED.search(image.name):
            left_out.append(f"{image}: a label map by its name; left out")
            continue
        below = Path() if find_bids(image) else image.parent.relative_to(folder)
        tasks.append(Task(image, output / below))
    return tasks, left_out


def _below(folder: Path) -> list[Path]:
    """The images in a folder and its subfolders, in order, without hidden files; a pair counts as its .img."""
    images = []
    for path in sorted(folder.rglob("*")):
        name = path.name.lower()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or not name.endswith(INPUT_SUFFIXES) or not path.is_file():
            continue
        pair = name.endswith((".hdr", ".hdr.gz")) and list(path.parent.glob(f"{stem(path)}.img*"))
        if not pair:
            images.append(path)
    return images


def made_here(image: Path) -> bool:
    """Whether an image is an output of this command: the JSON file next to it has the block ``Zoom``."""
    for name in (stem(image), stem(image).removesuffix("_spread").removesuffix("_labels")):
        path = image.with_name(f"{name}.json")
        if path.is_file():
            try:
                said = json_of(path)
            except UserError:
                continue
            if isinstance(said, dict) and "Zoom" in said:
                return True
    return "_desc-zoom" in image.name


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (", …" if len(names) > 20 else "") or "none"
