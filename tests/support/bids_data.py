"""A BIDS dataset small enough to zoom in seconds, and the official validator."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import thick

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])
ANATOMY = {"RepetitionTime": 2.3, "EchoTime": 0.003, "MagneticFieldStrength": 3, "Manufacturer": "Siemens"}
SERIES = {"TaskName": "rest", "RepetitionTime": 2.0, "EchoTime": 0.03, "SliceTiming": [i / 9 for i in range(9)]}


def save(path: Path, data: np.ndarray) -> None:
    """A NIfTI with both affines, and seconds between its volumes if it is a series."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((1, 1, 3, 2.0)[: data.ndim])
    image.set_sform(AFFINE, 1)
    image.set_qform(AFFINE, 1)
    nib.save(image, path)


def dataset(root: Path, subjects: tuple[str, ...] = ("01", "02"), **description: object) -> list[Path]:
    """Writes subjects with two sessions of T1w and FLAIR, and one functional series, and returns the images."""
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


VALIDATOR = shutil.which("bids-validator-deno", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def issues(root: Path) -> list[tuple[str, str, str, str]]:
    """The official validator's messages about a dataset: severity, code, key and file."""
    if VALIDATOR is None:
        pytest.skip("bids-validator-deno is not installed (envs/dev.txt)")
    done = subprocess.run([VALIDATOR, "--format", "json", str(root)], capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)["issues"]["issues"]
    return [(one["severity"], one["code"], one.get("subCode", ""), one.get("location", "")) for one in found]
