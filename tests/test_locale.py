"""Text is UTF-8 wherever a file is written or read, whatever the locale."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import OBLIQUE, thick

ROOT = Path(__file__).parents[1]
SOURCES = [path for folder in ("models", "zoom", "workflow") for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_file_is_opened_with_an_encoding(path: Path) -> None:
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    for call in calls:
        keys = {keyword.arg for keyword in call.keywords}
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in ("read_text", "write_text"):
            assert "encoding" in keys, ast.unparse(call)
        opens = isinstance(call.func, ast.Name) and name == "open"
        mode = call.args[1] if len(call.args) > 1 else None
        if opens and (mode is None or "b'" not in ast.unparse(mode)):
            assert "encoding" in keys, ast.unparse(call)


@pytest.mark.parametrize("words", [["--n", "1"], ["--help"]])
def test_zoom_runs_in_a_locale_other_than_utf_8(tmp_path: Path, words: list[str]) -> None:
    nib.save(nib.Nifti1Image(thick(), OBLIQUE), tmp_path / "scan.nii.gz")
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONWARNINGS": "ignore"}
    found = subprocess.run(
        [sys.executable, "-m", "zoom", str(tmp_path / "scan.nii.gz"), "-o", str(tmp_path / "out.nii.gz"), *words],
        env=os.environ | plain | {"PYTHONPATH": f"{ROOT}:{ROOT / 'workflow'}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr.decode(errors="replace")
    assert b"Traceback" not in found.stderr
    if "--n" in words:
        assert "×" in (tmp_path / "out.html").read_text(encoding="utf-8")
        assert np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj).shape == (20, 24, 17)
