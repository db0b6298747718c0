"""The viewer's page is self-contained, and its library is the published library."""

import gzip
import hashlib
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.print import viewer as module
from benchmark.print.viewer import (
    LIBRARY,
    LICENSES,
    MOST,
    SHA256,
    VERSION,
    Panel,
    eight_bit,
    quantised,
    refuse_too_large,
    viewer,
)

AFFINE = np.array([[-0.9, 0.1, 0.0, 40], [0.1, 0.9, 0.4, -30], [0.0, -0.3, 4.5, -20], [0, 0, 0, 1]])


def page_of(names: tuple[str, ...] = ("Scan", "Output")) -> str:
    volume = eight_bit(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), AFFINE, 0, 255)
    panels = [Panel(name, f"about <{name}>", volume) for name in names]
    return viewer("my <scan>", ["Not for diagnosis."], panels, grey="0 is black", otherwise="See out.html.")


def test_library_has_the_published_hash_and_licences() -> None:
    assert hashlib.sha256(gzip.decompress(LIBRARY.read_bytes())).hexdigest() == SHA256
    text = LICENSES.read_text()
    assert f"NiiVue {VERSION}" in text
    assert SHA256 in text
    assert "BSD 2-Clause License" in text
    assert text.count("Permission is hereby granted, free of charge") == 8  # what its bundle holds under MIT


def test_library_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = tmp_path / "niivue.js.gz"
    changed.write_bytes(gzip.compress(gzip.decompress(LIBRARY.read_bytes()) + b"\n"))
    monkeypatch.setattr(module, "LIBRARY", changed)
    with pytest.raises(UserError, match=r"differs from the published NiiVue 0\.69\.0"):
        page_of()


def test_page_is_self_contained_and_escaped() -> None:
    page = page_of()
    outside = re.sub(r"<script type=.*?</script>|<details>.*?</details>", "", page, flags=re.S)
    assert not re.search(r"""(src|href)=|url\(|@import|https?://""", outside)
    assert "my &lt;scan&gt;" in outside
    assert "about &lt;Output&gt;" in outside
    assert page.count("<canvas") == 2
    assert "rounded to 256 steps" in page


def test_embedded_volume_keeps_its_affine_and_values(tmp_path: Path) -> None:
    data = np.random.default_rng(1).normal(500, 200, (5, 6, 7))
    packed = eight_bit(quantised(data, 100, 900), AFFINE, 100, 900)
    assert packed == eight_bit(quantised(data, 100, 900), AFFINE, 100, 900)
    (tmp_path / "volume.nii.gz").write_bytes(packed)
    image = nib.load(tmp_path / "volume.nii.gz")
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-5)
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_allclose(image.get_fdata(), data.clip(100, 900), atol=0.51 * 800 / 255)


def test_volume_too_large_for_a_browser_is_refused() -> None:
    refuse_too_large(MOST, "scan.nii", "leave --viewer out")
    with pytest.raises(UserError, match=r"scan\.nii: .* 81 million voxels, and 80 million is the most; leave --viewer"):
        refuse_too_large(MOST + 1_000_000, "scan.nii", "leave --viewer out")
