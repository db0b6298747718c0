"""A BIDS dataset small enough to zoom in seconds: two subjects, two sessions, T1w, FLAIR and one functional series."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from zoom_scans import thick

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
ANATOMY = {"RepetitionTime": 2.3, "EchoTime": 0.003, "MagneticFieldStrength": 3, "Manufacturer": "Siemens"}
SERIES = {"TaskName": "rest", "RepetitionTime": 2.0, "EchoTime": 0.03, "SliceTiming": [i / 9 for i in range(9)]}


def save(path: Path, data: np.ndarray) -> None:
    """A NIfTI with both affines, and seconds between its volumes where it is a series."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((1, 1, 3, 2.0)[: data.ndim])
    image.set_sform(AFFINE, 1)
    image.set_qform(AFFINE, 1)
    nib.save(image, path)


def dataset(root: Path, subjects: tuple[str, ...] = ("01", "02"), **description: object) -> list[Path]:
    """Writes the dataset and returns its images."""
    for subject in subjects:
        for session in ("a", "b"):
            for contrast in ("T1w", "FLAIR"):
                start = f"sub-{subject}_ses-{session}"
                save(root / f"sub-{subject}/ses-{session}/anat/{start}_{contrast}.nii.gz", thick())
    start = f"sub-{subjects[0]}_ses-a_task-rest"
    save(root / f"sub-{subjects[0]}/ses-a/func/{start}_bold.nii.gz", np.stack([thick(), thick(seed=4)], axis=3))
    about = {"Name": root.name, "BIDSVersion": "1.10.0", "DatasetType": "raw", **description}
    for name, content in (
        ("dataset_description.json", about),
        ("T1w.json", {**ANATOMY, "SliceThickness": 2.7, "PatientName": "Doe^Jane"}),
        ("FLAIR.json", {**ANATOMY, "MRAcquisitionType": "3D"}),
        ("task-rest_bold.json", SERIES),
    ):
        (root / name).write_text(json.dumps(content), encoding="utf-8")
    return sorted(root.rglob("*.nii.gz"))
