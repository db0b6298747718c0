"""The content of a scan's sidecar, and the part that is valid for the finer volume."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.files import json_of, text_of
from zoom.names import Bids, Names, entities, find_bids, stem

#: Keys that describe the slices or the grid of the scan. The specification has no SliceThickness for MRI; the thickness
#: of the scan's slices is kept in the block ``Zoom``, with its source.
OF_THE_SLICES = {
    "SliceTiming", "SliceEncodingDirection", "SliceThickness", "SpacingBetweenSlices", "NumberOfSlices",
    "SliceLocation", "ImagePositionPatient", "ImagePositionPatientDICOM", "AnatomicalLandmarkCoordinates",
    "VolumeAffineMatrix", "MatrixSize", "NumVolumes", "Resolution", "Density",
}  # fmt: skip
#: Keys that describe the rows and columns: invalid if the output is finer in plane.
IN_PLANE = {
    "EffectiveEchoSpacing", "DerivedVendorReportedEchoSpacing", "ReconMatrixPE", "Rows", "Columns", "PixelSpacing",
}  # fmt: skip
#: Links to files of the scan's dataset, which are invalid in another dataset.
LINKS = {"IntendedFor", "AssociatedEmptyRoom", "B0FieldIdentifier", "B0FieldSource", "AnatomicalImage", "RawSources"}
#: How the scan's file was made; the output has its own history.
HISTORY = {
    "Description", "Sources", "GeneratedBy", "Zoom", "ImageType", "RawImage", "ConversionSoftware",
    "ConversionSoftwareVersion", "ImageComments",
}  # fmt: skip
#: The persons in the scan and who acquired it: not copied.
PERSON = re.compile(
    r"Patient(?!Position$)\w*|\w*UID|\w*PhysicianName|OperatorsName|AccessionNumber|StudyID|dcmmeta_\w+"
)


def sidecars(scan: Path, ending: str = ".json") -> list[Path]:
    """Files that describe the scan, the nearest last (in a BIDS dataset, by the inheritance principle)."""
    own = scan.with_name(f"{stem(scan)}{ending}")
    bids: Bids | None = find_bids(scan)
    files = []
    if bids:
        mine = entities(stem(scan))
        for folder in reversed(bids.path.parents):
            for file in sorted(
                (bids.root / folder).glob(f"*{mine['suffix']}{ending}"), key=lambda file: len(file.name)
            ):
                if file.name != own.name and entities(stem(file)).items() <= mine.items():
                    files.append(file)
    return [*files, own] if own.is_file() else files


def gradients(scan: Path, names: Names) -> dict[Path, str]:
    """A diffusion scan's b-values and directions, as texts by the path where they belong next to the output.

    They hold as they are: directions are those of the stored axes, which the output keeps. In BIDS derivatives they
    have the scan's name without ``res`` and ``desc``, the only one that the specification allows; several outputs share
    them by the inheritance principle. Raises ``UserError``: a file that cannot be read.
    """
    name = re.sub(r"_(res|desc)-[A-Za-z0-9+]+", "", stem(scan)) if names.root else stem(names.image)
    texts = {
        names.image.with_name(f"{name}{ending}"): text_of(file)
        for ending in (".bval", ".bvec")
        for file in sidecars(scan, ending)[-1:]
    }
    if texts and names.root:
        about = {"Description": "b-values and directions of the scan, which hold for the finer volumes as well."}
        texts[names.image.with_name(f"{name}.json")] = json.dumps(about, indent=2) + "\n"
    return texts


def stated(scan: Path) -> tuple[dict[str, Any], list[str]]:
    """The content of all sidecars, the nearest last; and a sentence for each unreadable sidecar."""
    said: dict[str, Any] = {}
    lost = []
    for file in sidecars(scan):
        try:
            content = json_of(file)
        except UserError:
            lost.append(f"{file.name} cannot be read as JSON, so its content was not copied.")
            continue
        said |= content if isinstance(content, dict) else {}
    return said, lost


def carried(said: Mapping[str, Any], in_plane: int, link: str) -> dict[str, Any]:
    """The part of ``said`` that is also valid for the output.

    ``in_plane``: the factor; ``link``: of the scan's dataset. References within that dataset (``bids::…``) name it.
    """
    gone = OF_THE_SLICES | LINKS | HISTORY | (IN_PLANE if in_plane != 1 else set())
    kept = {key: value for key, value in said.items() if key not in gone and not PERSON.fullmatch(key)}
    kept = {key: value for key, value in kept.items() if _finite(value)}
    reference = kept.pop("SpatialReference", None)
    if reference is not None and link:
        text = json.dumps(reference).replace('"bids::', f'"bids:{link}:')
        kept["SpatialReference"] = json.loads(text)
    return kept


def skull_stripped(said: Mapping[str, Any]) -> tuple[bool, str]:
    """``SkullStripped``, which BIDS requires for every derived volume, and its source.

    It is true only if a sidecar says so: raw scans show the whole head.
    """
    known = said.get("SkullStripped")
    if isinstance(known, bool):
        return known, "the scan's sidecar"
    return False, "not stated; by BIDS a scan shows the whole head unless its description says otherwise"


def _finite(value: Any) -> bool:
    """Whether a value can be written as JSON: NaN and infinity cannot."""
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list):
        return all(map(_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
