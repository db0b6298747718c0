"""The meaning of a scan's header, defined in one place for the study and for zoom.

A header is read as by ITK and nibabel where these agree. It is refused with one line if it contradicts itself (datatype
and bits per voxel) or cannot be a scan's (spacing and origin beyond a scanner's range). Affines are in millimetres,
whatever the header's unit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from nibabel.orientations import axcodes2ornt

from benchmark.errors import UserError

#: Millimetres per unit of NIfTI's xyzt_units; 0 (no unit) means mm.
UNITS = {0: ("", 1.0), 1: ("metre", 1000.0), 2: ("millimetre", 1.0), 3: ("micrometre", 0.001)}
#: Directions of growing index for the ``orient`` byte of Analyze 7.5.
ANALYZE = {1: "LSA", 2: "ASL", 3: "LPS", 4: "LIA", 5: "AIL"}
SPACING = (0.01, 100.0)  # mm, range of a voxel's side
#: mm from the scanner's centre to the volume's: a warning beyond the first, refused beyond the second.
NEAR, FAR = 1_000.0, 10_000.0
APART = 0.05  # mm: sform and qform differ if their distance is larger


@dataclass(frozen=True)
class Form:
    """One of a NIfTI header's affines: 4×4, voxel → mm, and its code."""

    affine: np.ndarray
    code: int


def affine_from_codes(shape: tuple[int, ...], spacing: tuple[float, ...], codes: str) -> np.ndarray:
    """Affine for a file without a trustworthy orientation: axes as ``codes``, centre of the volume at 0 mm.

    Raises ``UserError`` if the codes do not name each axis once.
    """
    pairs = [next((pair for pair in ("LR", "PA", "IS") if code in pair), code) for code in codes]
    if len(pairs) != 3 or len(set(pairs)) != 3 or not set(codes) <= set("LRPAIS"):
        raise UserError(f"orientation '{codes}'; give three letters, one each of L or R, P or A, I or S, e.g. ASL")
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(axcodes2ornt(tuple(codes))):
        affine[int(world), axis] = sign * spacing[axis]
    affine[:3, 3] = -affine[:3, :3] @ ((np.asarray(shape[:3]) - 1) / 2)
    return affine


def check_datatype(name: str, header: Any, warned: list[str]) -> None:
    """Datatype and bits per voxel must agree."""
    dtype, bits = header.get_data_dtype(), int(header["bitpix"])
    if bits == 0:
        warned.append(f"The header does not state the bits per voxel; {dtype} was assumed.")
    elif bits != 8 * dtype.itemsize:
        raise UserError(
            f"{name}: its header says {dtype} voxels, but {bits} bits per voxel instead of {8 * dtype.itemsize}: one "
            "of the two is wrong; get the file again or correct the header"
        )


def repair_quaternion(header: Any, warned: list[str]) -> None:
    """In place: normalises a quaternion that is too long by rounding; an invalid quaternion loses its code."""
    length = float(sum(float(header[f"quatern_{one}"]) ** 2 for one in "bcd"))
    numbers = [header[key] for key in (*(f"quatern_{one}" for one in "bcd"), *(f"qoffset_{one}" for one in "xyz"))]
    if int(header["qform_code"]) <= 0 or not np.isfinite(numbers).all() or length > 1.001:
        if int(header["qform_code"]) > 0:
            warned.append("Its qform is not a rotation, and was ignored.")
        for key in (*(f"quatern_{one}" for one in "bcd"), *(f"qoffset_{one}" for one in "xyz"), "qform_code"):
            header[key] = 0
    elif length > 1:
        for one in "bcd":
            header[f"quatern_{one}"] = float(header[f"quatern_{one}"]) / np.sqrt(length) * (1 - 1e-7)


def nifti_affines(name: str, header: Any, warned: list[str]) -> tuple[np.ndarray, Form | None, Form | None]:
    """The affine to use (the sform if valid, else the qform), and both affines of the header."""
    unit = int(header["xyzt_units"]) & 7
    word, scale = UNITS.get(unit, ("", 1.0))
    if unit not in UNITS:
        warned.append(f"Its header names a unit of length that does not exist ({unit}); millimetres were assumed.")
    elif scale != 1:
        warned.append(f"Its header is in {word}s; output and page are in millimetres.")
    sform, qform = _form(header, "sform", scale), _form(header, "qform", scale)
    for kind, form in (("sform", sform), ("qform", qform)):
        if int(header[f"{kind}_code"]) > 0 and form is None:
            warned.append(f"Its {kind} is invalid, and was ignored.")
    if sform and qform:
        off = _displacement(sform.affine, qform.affine, header.get_data_shape())
        if off > APART:
            warned.append(
                f"Its sform and qform disagree by up to {off:.3g} mm. The sform was used; both are kept in the output, "
                "so that programs which read the qform show scan and output at the same position."
            )
    chosen = sform or qform
    if chosen:
        return chosen.affine, sform, qform
    if int(header["sform_code"]) > 0:
        raise UserError(f"{name}: invalid affine (zero or infinite voxel size); correct the header")
    warned.append("The file does not state its orientation; left and right are a guess. Set it: --orientation.")
    return np.diag([scale] * 3 + [1.0]) @ header.get_base_affine(), None, None


def _form(header: Any, kind: str, scale: float) -> Form | None:
    """One of the header's affines in mm; None without a code, or if the affine is invalid."""
    code = int(header[f"{kind}_code"])
    if code <= 0:
        return None
    affine = np.diag([scale] * 3 + [1.0]) @ np.asarray(getattr(header, f"get_{kind}")(), np.float64)
    if not _places(affine) or (kind == "qform" and not _inside(np.linalg.norm(affine[:3, :3], axis=0))):
        return None
    return Form(affine, code)


def _places(affine: np.ndarray) -> bool:
    if not np.isfinite(affine).all():
        return False
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    return bool(sides.min() > 0 and abs(np.linalg.det(affine[:3, :3] / sides)) > 1e-3)


def _inside(sides: np.ndarray) -> bool:
    return bool(sides.min() >= SPACING[0] and sides.max() <= SPACING[1])


def _displacement(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> float:
    """Largest distance between a corner's positions by the two affines, mm."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array((*shape, 1, 1, 1)[:3]) - 1)
    moved = corners @ (first - second)[:3, :3].T + (first - second)[:3, 3]
    return float(np.linalg.norm(moved, axis=1).max())


def analyze_affine(image: Any, affine: np.ndarray, placed: bool, warned: list[str]) -> np.ndarray:
    """Analyze 7.5: the ``orient`` byte, if neither SPM's origin nor a .mat file (``placed``) gives the orientation."""
    header = image.header
    if placed or np.any(header["origin"][:3]):
        return affine
    byte = header.binaryblock[252]
    codes = ANALYZE.get(byte - 48 if 48 <= byte <= 53 else byte)
    said = f"By its orient byte the axes grow to {codes}" if codes else "It has no orientation either; LAS was assumed"
    warned.append(
        f"An Analyze file does not state the position of its voxels. {said}; check left and right, or set "
        "--orientation."
    )
    return affine_from_codes(image.shape, tuple(np.linalg.norm(affine[:3, :3], axis=0)), codes) if codes else affine


def check_place(name: str, affine: np.ndarray, shape: tuple[int, ...], warned: list[str]) -> None:
    """Voxel size and position must be possible for a scanner."""
    if not _places(affine):
        raise UserError(f"{name}: invalid affine (zero or infinite voxel size); correct the header")
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    if not _inside(sides):
        raise UserError(
            f"{name}: voxels of {' × '.join(f'{side:.3g}' for side in sides)} mm; a scan's are {SPACING[0]:g} to "
            f"{SPACING[1]:g} mm: correct the header (or the unit it names)"
        )
    centre = affine[:3, :3] @ ((np.array((*shape, 1, 1, 1)[:3]) - 1) / 2) + affine[:3, 3]
    away = float(np.linalg.norm(centre))
    if away > FAR:
        raise UserError(f"{name}: its centre is {away / 1000:.3g} m from the scanner's; correct the header's origin")
    if away > NEAR:
        warned.append(f"Its centre is {away / 1000:.3g} m from the scanner's: the header's origin may be wrong.")
