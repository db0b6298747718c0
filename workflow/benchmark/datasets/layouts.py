"""Phantoms in the true layouts of the datasets, for tests and for the smoke run, which uses every reader.

    python -m benchmark.datasets.layouts FOLDER      writes them all, small

As in the datasets: names, folders, formats, byte order, trailing axis, gaps in the ids, second visits, a thick series,
encryption. Different: sizes, counts, and all voxels.
"""

import argparse
import binascii
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import nibabel as nib
import numpy as np

from benchmark.acquire.openssl import key_and_iv
from benchmark.datasets.toy import scan
from benchmark.files import sha256, written
from benchmark.seeds import derive

#: Stored axes: shape, mm, codes. Slices fit a frame of 32, and there are few, because the smoke run must be short.
OASIS = (32, 32, 22), (1.0, 1.0, 1.0), "ASL"
ATLAS = (27, 32, 26), (1.0, 1.0, 1.0), "RAS"
OPENNEURO = (22, 32, 32), (1.0, 1.0, 1.0), "RAS"
THICK = (32, 32, 16), (0.5, 0.5, 4.0), "RAS"
BRATS = (30, 30, 20), (1.0, 1.0, 1.0), "LPS"
PASSWORD = "toy"


def write_all(folder: Path, count: int = 6, seed: int = 0) -> dict[str, dict[str, str]]:
    """Writes ``count`` subjects of each dataset below ``folder``.

    Returns the settings for each reader's block in the config, e.g. ``{"brats": {"local": …}, …}``. The password of the
    ATLAS archive is ``PASSWORD``.
    """
    return {
        "oasis_trt": {"local": str(write_oasis_trt(folder / "oasis_trt", count, seed))},
        "oasis": {"local": str(write_oasis(folder / "oasis", count, seed))},
        "atlas": {"local": str(write_atlas(folder / "atlas", count, seed))},
        "openneuro": {
            "local": str(write_openneuro(folder / "openneuro", count, seed)),
            "manifest": str(folder / "openneuro" / "manifest.tsv"),
        },
        "brats": {"local": str(write_brats(folder / "brats", count, seed))},
    }


def write_oasis(folder: Path, count: int, seed: int = 0, disc: int = 1) -> Path:
    """``oasis_cross-sectional_disc{disc}.tar.gz``: big-endian Analyze pairs with a trailing axis, one second visit."""
    members: dict[str, bytes] = {}
    numbers = [2 * i + 1 + 40 * (disc - 1) for i in range(count)]
    for number, visit in [*((n, 1) for n in numbers), (numbers[0], 2)]:
        session = f"OAS1_{number:04d}_MR{visit}"
        home = f"disc{disc}/{session}/PROCESSED/MPRAGE"
        header, image = analyze(phantom(OASIS, "T1", seed, f"oasis{number}"))
        stem = f"{home}/SUBJ_111/{session}_mpr_n{3 + number % 2}_anon_sbj_111"
        members |= {f"{stem}.hdr": header, f"{stem}.img": image, f"{stem}_sag_88.gif": b"GIF89a"}
        members[f"{home}/T88_111/{session}_mpr_n4_anon_111_t88_masked_gfc.img"] = b"\0" * 512
        members[f"disc{disc}/{session}/{session}.txt"] = b"SESSION ID\n"
    return _write(folder / f"oasis_cross-sectional_disc{disc}.tar.gz", gzip.compress(tar(members), mtime=0))


def write_oasis_trt(folder: Path, count: int, seed: int = 0) -> Path:
    """``OASIS-TRT-20_volumes.tar.gz``: one folder per subject, with the stripped scan, the whole scan and labels."""
    members: dict[str, bytes] = {}
    for i in range(1, count + 1):
        home = f"OASIS-TRT-20_volumes/OASIS-TRT-20-{i}"
        members[f"{home}/t1weighted_brain.nii.gz"] = gz(phantom(OASIS, "T1", seed, f"oasis_trt{i}"))
        members |= {f"{home}/{name}.nii.gz": b"not wanted" for name in ("t1weighted", "labels.DKT31.manual")}
        members[f"{home}/t1weighted_brain.MNI152.nii.gz"] = b"not wanted"
    return _write(folder / "OASIS-TRT-20_volumes.tar.gz", gzip.compress(tar(members), mtime=0))


def write_atlas(
    folder: Path, count: int, seed: int = 0, release: str = "R1.1", digest: str = "md5", password: str = PASSWORD
) -> Path:
    """``ATLAS_{release}_encrypted.tar.gz``: a compressed tar, as written by ``openssl aes-256-cbc -a -md {digest}``."""
    members: dict[str, bytes] = {}
    for i in range(1, count + 1):
        subject = f"sub-r001s{i:03d}" if release == "R2.0" else f"{31768 + i:06d}"
        image = gz(phantom(ATLAS, "T1", seed, f"atlas{i}"))
        if release == "R2.0":
            stem = f"ATLAS_2/Training/R001/{subject}/ses-1/anat/{subject}_ses-1_space-MNI152NLin2009aSym"
            members[f"{stem}_T1w.nii.gz"] = image
            members[f"{stem}_label-L_desc-T1lesion_mask.nii.gz"] = b"not wanted"
        else:
            stem = f"ATLAS_R1.1/Site1/{subject}"
            members[f"{stem}/t01/{subject}_t1w_deface_stx.nii.gz"] = image
            members[f"{stem}/t01/{subject}_LesionSmooth_stx.nii.gz"] = b"not wanted"
            members[f"{stem}/t02/{subject}_t1w_deface_stx.nii.gz"] = b"a second visit"
    plain = gzip.compress(tar(members), mtime=0)
    return _write(folder / f"ATLAS_{release}_encrypted.tar.gz", encrypt(plain, password, digest, seed))


def write_openneuro(folder: Path, count: int, seed: int = 0) -> Path:
    """``ds004199/sub-*/anat/*_FLAIR.nii.gz`` and ``manifest.tsv`` next to it; the last series is thick."""
    root = folder / "ds004199"
    rows = []
    for i in range(1, count + 2):
        kind, like = ("tra4mm", THICK) if i > count else (("T2sel", "tse3dvfl")[i % 4 == 0], OPENNEURO)
        name = f"sub-{i:05d}/anat/sub-{i:05d}_acq-{kind}_FLAIR.nii.gz"
        path = _write(root / name, gz(phantom(like, "FLAIR", seed, f"openneuro{i}")))
        rows.append((name, path.stat().st_size, sha256(path)))
    lines = ("\t".join(map(str, row)) for row in (("path", "bytes", "sha256"), *rows))
    _write(folder / "manifest.tsv", "".join(f"{line}\n" for line in lines).encode())
    return root


def write_brats(folder: Path, count: int, seed: int = 0) -> Path:
    """``BraTS2021_Training_Data.tar``: five files in a folder for each id; ids with gaps; one subject lacks its
    FLAIR."""
    members: dict[str, bytes] = {}
    for i in range(count + 1):
        subject = f"BraTS2021_{3 * i + i // 2:05d}"
        for modality, kind in (("T1", "t1"), ("T2", "t2"), ("FLAIR", "flair")):
            if i < count or kind != "flair":
                members[f"{subject}/{subject}_{kind}.nii.gz"] = gz(phantom(BRATS, modality, seed, f"brats{i}"))
        members[f"{subject}/{subject}_seg.nii.gz"] = b"not wanted"
    return _write(folder / "BraTS2021_Training_Data.tar", tar(members))


def phantom(like: tuple[Iterable[int], Iterable[float], str], modality: str, seed: int, who: str) -> nib.Nifti1Image:
    """A phantom with the shape, mm and codes of the stored axes in ``like``."""
    shape, spacing, codes = like
    return scan(list(shape), list(spacing), codes, modality, derive(seed, "layouts", who), tilt=0.0)


def gz(image: nib.Nifti1Image) -> bytes:
    """``.nii.gz``, the same bytes each time."""
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)


def analyze(image: nib.Nifti1Image) -> tuple[bytes, bytes]:
    """Header and voxels of an Analyze 7.5 pair as in OASIS: big-endian int16, ``dim`` (4, x, y, z, 1), orient 2."""
    data = np.asarray(image.dataobj, dtype=">i2")[..., np.newaxis]
    header = nib.AnalyzeHeader(endianness=">")
    header.set_data_dtype(np.dtype(">i2"))
    header.set_data_shape(data.shape)
    header.set_zooms((*image.header.get_zooms()[:3], 0.0))
    raw = bytearray(header.binaryblock)
    raw[252] = 2  # sagittal unflipped
    return bytes(raw), data.tobytes(order="F")


def tar(members: Mapping[str, bytes]) -> bytes:
    """An uncompressed tar of ``members``, with an entry for each folder, as by ``tar``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for parent in sorted({parent for name in members for parent in _parents(name)}):
            info = tarfile.TarInfo(parent)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def encrypt(plain: bytes, password: str, digest: str, seed: int = 0) -> bytes:
    """``plain`` encrypted like ``openssl enc -aes-256-cbc -a -md {digest}``. The salt comes from ``seed``."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    salt = hashlib.sha256(f"salt {seed}".encode()).digest()[:8]
    key, vector = key_and_iv(password.encode(), salt, digest)
    cipher = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    pad = 16 - len(plain) % 16
    raw = b"Salted__" + salt + cipher.update(plain + bytes([pad]) * pad) + cipher.finalize()
    return b"".join(binascii.b2a_base64(raw[i : i + 48]) for i in range(0, len(raw), 48))


def _parents(name: str) -> list[str]:
    parts = name.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def _write(path: Path, content: bytes) -> Path:
    if not path.exists() or path.read_bytes() != content:  # an unchanged file keeps its time, so that no job runs again
        with written(path) as aside:
            aside.write_bytes(content)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=6, help="subjects of each dataset")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name, block in write_all(options.folder, options.count, options.seed).items():
        print(f"{name}: {block}")


if __name__ == "__main__":
    main()
