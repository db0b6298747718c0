"""A paragraph for the methods section of a paper, with its references: the steps applied to this scan."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmark.project import COMMAND, release
from zoom import references
from zoom.choice import SHIPPED
from zoom.prepare import Prepared
from zoom.references import References

#: Description of a method, by its file in models/methods, and its reference.
DESCRIPTIONS = {
    "linear": ("linear interpolation between slices", None),
    "spline": ("cubic spline interpolation", None),
    "copy": ("repetition of the nearest slice", None),
    "slab": (
        "a convolutional network (Slab) that corrects the cubic spline whose averages over the slice profile are "
        "the scan's slices",
        references.PROJECT,
    ),
    "slab_lens": (
        "two convolutional networks: one (Slab) corrects the cubic spline whose averages over the slice profile "
        "are the scan's slices, the other (Lens) magnifies each slice",
        references.PROJECT,
    ),
    "quartet": (
        "a convolutional network (Quartet) that draws each slice from the four slices around it",
        references.PROJECT,
    ),
    "ours": ("latent diffusion with linear interpolation of the latents of neighbouring slices", references.ARTICLE),
    "baseline": (
        "latent diffusion with linear interpolation of the super-resolved neighbouring slices",
        references.ARTICLE,
    ),
}
#: The values of a slice of the scan, by the profile along its thickness.
PROFILES = {
    "point": "the volume at its position",
    "box": "the mean of the volume over its thickness",
    "gaussian": "the mean of the volume weighted by a Gaussian, whose full width at half maximum is the thickness",
}


def methods(prepared: Prepared, zoom: Mapping[str, Any]) -> dict[str, Any]:
    """``Text``: the paragraph, plain; ``References``: one line per reference, in the order of the text's numbers.

    ``zoom``: the block ``Zoom`` of the description, as far as it is known.
    """
    cite = References()
    text = " ".join(
        sentence
        for sentence in (
            _source(zoom, cite),
            _grid(prepared, zoom, cite),
            _method(prepared, zoom, cite),
            _profile(zoom),
            _consistency(zoom, cite),
            _rest(zoom),
            _software(prepared, cite),
            f"Slices between those of the scan were computed, not measured; {COMMAND} is not for diagnosis.",
        )
        if sentence
    )
    return {"Text": text, "References": cite.texts}


def _source(zoom: Mapping[str, Any], cite: References) -> str:
    made = zoom.get("ConvertedFrom")
    return f"DICOM files were converted to NIfTI with {made['By']} {cite(references.DCM2NIIX)}." if made else ""


def _grid(prepared: Prepared, zoom: Mapping[str, Any], cite: References) -> str:
    axis = zoom["SliceAxis"]
    plane = [i for i in range(3) if i != axis]
    series = f", {prepared.scan.volumes} volumes" if prepared.scan.volumes > 1 else ""

    def grid(shape: list[int], spacing: list[float]) -> str:
        rows, columns = (f"{spacing[i]:.4g}" for i in plane)
        slices = f"{shape[axis]} {zoom['Plane']} slices {spacing[axis]:.4g} mm apart"
        return f"{slices}, voxels of {rows} × {columns} mm in plane"

    return (
        f"The scan ({grid(zoom['ScanShape'], zoom['ScanSpacing'])}{series}) was resampled to "
        f"{grid(zoom['Shape'], zoom['Spacing'])} with {COMMAND} {release()} {cite(references.PROJECT)}."
    )


def _method(prepared: Prepared, zoom: Mapping[str, Any], cite: References) -> str:
    description, reference = DESCRIPTIONS.get(
        prepared.choice.file, (f"the method {zoom['Method']} ({zoom['MethodLabel']})", None)
    )
    options = ", ".join(f"{key} {value}" for key, value in zoom["MethodOptions"].items())
    text = f"The output slices were computed by {description}{' ' + cite(reference) if reference else ''}"
    text += f" (method {zoom['Method']}{', ' + options if options else ''})"
    files = [f"{Path(one['File']).name} (SHA-256 {one['SHA256']})" for one in zoom["Weights"]]
    if files:
        text += f", with the weights {' and '.join(files)}"
        if all(Path(one["File"]).parent == SHIPPED for one in zoom["Weights"]):
            text += f" {cite(references.CARD)}"
    return text + "."


def _profile(zoom: Mapping[str, Any]) -> str:
    return (
        f"A slice of the scan was assumed to be {zoom['SliceThickness']:.4g} mm thick ({zoom['SliceThicknessFrom']}) "
        f"and to show {PROFILES[zoom['Profile']]} (profile {zoom['Profile']}: {zoom['ProfileFrom']})."
    )


def _consistency(zoom: Mapping[str, Any], cite: References) -> str:
    worst = max(zoom["Volumes"], key=lambda one: one["AveragedBack"]["Largest"])
    low, high = worst["GreyScale"]
    off = worst["AveragedBack"]["Largest"]
    share = f"{off:.3g} in the scan's units ({100 * off / (high - low):.2g} % of the grey scale)"
    if not zoom["DataConsistency"]:
        return f"The result was not made consistent with the scan: averaged, it differs from the scan by up to {share}."
    return (
        f"The result was made consistent with the scan by back-projection {cite(references.BACK_PROJECTION)}: averaged "
        f"back over the slices' profile, it differs from the scan by at most {share}; the tolerance, which includes "
        f"the rounding of the file's numbers, is {zoom['Tolerance']:.3g}."
    )


def _rest(zoom: Mapping[str, Any]) -> str:
    sentences = []
    if zoom["DrawsAtRandom"]:
        sentences.append(f"Random numbers were drawn with the seed {zoom['Seed']}.")
    if "Spread" in zoom:
        samples = zoom["Volumes"][0]["Spread"]["Samples"]
        sentences.append(f"The spread of {samples} such results was used as a lower bound of the uncertainty.")
    if "Labels" in zoom:
        sentences.append("Labels were resampled to the same grid by the nearest neighbour.")
    return " ".join(sentences)


def _software(prepared: Prepared, cite: References) -> str:
    names = {
        "NiBabel": ("nibabel", references.NIBABEL),
        "NumPy": ("numpy", references.NUMPY),
        "SciPy": ("scipy", references.SCIPY),
    }
    if prepared.choice.networks:
        names["PyTorch"] = ("torch", references.TORCH)
    parts = [f"{name} {metadata.version(package)} {cite(reference)}" for name, (package, reference) in names.items()]
    text = f"Software: {', '.join(parts)}."
    return text + (f" The outputs are BIDS derivatives {cite(references.BIDS)}." if prepared.names.root else "")
