"""The guard around torchvision: each case in a separate process, because the guard acts at import."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


#: By torchvision if it suits this torch, else by a definition.
EXISTING = """
import torch
try:
    import torchvision
except RuntimeError:
    own = torch.library.Library("torchvision", "DEF")
    own.define("nms(Tensor a) -> Tensor")
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_torchvision_and_its_users_import_after_models() -> None:
    run("import models, torchvision, lightning_fabric, lpips; from diffusers import UNet2DModel, VQModel")


@pytest.mark.parametrize(
    "before",
    [
        "import sys; sys.modules['torchvision'] = None",  # not installed
        EXISTING,
    ],
    ids=["absent", "operators there already"],
)
def test_no_operators_are_declared_without_torchvision_or_with_existing_operators(before: str) -> None:
    assert run(f"{before}\nimport models; print(models._operators)") == "None"
