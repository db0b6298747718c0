"""A simulated MR series as from a scanner: one DICOM file per slice."""

from pathlib import Path

import numpy as np

SPACING, THICKNESS = 5.0, 4.0  # mm


def series(folder: Path, data: np.ndarray, number: int = 3, description: str = "t2_tse", suffix: str = "") -> None:
    """Writes slices (H, W, S) of 0.9 × 0.9 mm, 4 mm thick and 5 mm apart, with the name of a patient in each."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

    folder.mkdir(parents=True, exist_ok=True)
    study, of = generate_uid(entropy_srcs=["study"]), generate_uid(entropy_srcs=[str(folder), str(number)])
    for i in range(data.shape[2]):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(folder), str(number), str(i)])
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = folder / f"IM{number:02}{i:04}{suffix}"
        one = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        one.StudyInstanceUID, one.SeriesInstanceUID = study, of
        one.FrameOfReferenceUID = study
        one.Modality, one.Manufacturer, one.PatientName, one.PatientID = "MR", "Maker", "Doe^Jane", "12345"
        one.MRAcquisitionType, one.MagneticFieldStrength = "2D", 3
        one.EchoTime, one.RepetitionTime, one.FlipAngle = 90, 5000, 120
        one.SeriesNumber, one.SeriesDescription = number, description
        one.AcquisitionNumber, one.InstanceNumber = 1, i + 1
        one.ImageType = ["ORIGINAL", "PRIMARY"]
        one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        one.ImagePositionPatient = [-10, -10, i * SPACING]
        one.SliceThickness, one.SpacingBetweenSlices, one.SliceLocation = THICKNESS, SPACING, i * SPACING
        one.PixelSpacing = [0.9, 0.9]
        one.Rows, one.Columns = data.shape[:2]
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
        one.PixelData = np.ascontiguousarray(data[..., i]).astype(np.uint16).tobytes()
        one.save_as(path, enforce_file_format=True)
