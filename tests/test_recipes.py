"""Both recipes through Snakemake: the plan of the article's study, and a small study of the authors' recipe."""

import hashlib
import os
from pathlib import Path

import pytest
import torch
import yaml
from compvis_files import filled, latent_diffusion
from loopback import server  # noqa: F401 (a fixture)
from workflow_runs import planned, run, snakemake

from models.first_stage import build_vq
from models.unet import build_unet
from models.weights import load, read_metadata

pytestmark = pytest.mark.long
VQ = {"channels": [32, 32, 32], "layers_per_block": 1, "codes": 32, "norm_groups": 32}
LDM = {"width": 32, "multipliers": [1, 2], "layers_per_block": 1, "attention_factors": [2], "head_channels": 8}
TOY = ["--config", "study={cohorts: [toy], methods: [ours_no_edsr, truth]}", "recipe=authors"]


def test_authors_recipe_plans_one_first_stage_per_cohort(tmp_path: Path) -> None:
    """Planned without the public weights: their download is a job of the plan."""
    folders = [f"results={tmp_path}", f"data={tmp_path}/data"]
    plan = planned(run("-n", "--quiet", "rules", "--config", *folders, config=None))
    assert plan["public_weights"] == 1
    assert plan["train"] == 6 + 6 * 5 * 6  # six cohorts, five folds, and six networks besides the first stage
    assert plan["share"] == 6 * 4
    plan = planned(run("-n", "--quiet", "rules", "--config", *folders, "recipe=scratch", config=None))
    assert (plan["train"], plan.get("public_weights"), plan.get("share")) == (6 * 5 * 7, None, None)


def test_local_public_weights_are_not_downloaded(tmp_path: Path) -> None:
    where = "public_weights={bsr_4x: {local: /elsewhere/model.ckpt}}"
    plan = planned(run("-n", "--quiet", "rules", "--config", f"results={tmp_path}", where, config=None))
    assert "public_weights" not in plan


def test_small_study_by_the_authors_recipe_shares_the_first_stage(tmp_path: Path, server) -> None:  # noqa: F811
    """Public weights from a server; a first stage that the second fold shares; early stopping in every log."""
    file = tmp_path / "model.ckpt"
    torch.save(latent_diffusion(filled(build_vq(**VQ), 1), filled(build_unet(**LDM), 2)), file)
    server.files["/f/?dl=1"] = file.read_bytes()
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    overlay = tmp_path / "authors.yaml"
    networks = {
        "vq": {"size": VQ, "training": {"perceptual_weight": 0}},
        "ldm": {"size": LDM | {"norm_groups": 32}, "training": {"latent_scale": "unit"}},
    }
    public = {"bsr_4x": {"url": f"{server.url}/f/?dl=1", "sha256": sha256}}
    overlay.write_text(yaml.safe_dump({"networks": networks, "public_weights": public}))
    models = tmp_path / "models" / "toy"
    chosen = ["--configfile", "config/smoke.yaml", str(overlay)]
    wanted = [str(models / f"fold{fold}" / "ldm.safetensors") for fold in (1, 2)]
    run(*chosen, *TOY, f"results={tmp_path}", f"data={tmp_path}/data", "--", *wanted, config=None)

    first, second = (models / fold / "vq.safetensors" for fold in ("fold1", "fold2"))
    assert os.path.samefile(first, second)
    about = read_metadata(models / "fold2" / "ldm.safetensors")
    assert about["recipe"] == "authors"
    assert about["init"] == {"file": "bsr_4x.ckpt", "sha256": sha256}
    assert (about["steps"], about["ended_by"]) == (6, "length")
    assert about["kept_step"] == 6
    assert about["held_out_loss"] > 0
    assert load(models / "fold2" / "ldm.safetensors").scale == 1  # of the public weights
    assert "held_out" in (models / "fold1" / "vq.csv").read_text()
    log = (tmp_path / "logs" / "train" / "toy" / "fold1" / "ldm.log").read_text()
    assert "ldm starts from" in log
    assert "compvis" in log


def test_public_weights_of_another_size_are_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "model.ckpt"
    torch.save(latent_diffusion(filled(build_vq(**VQ), 1), filled(build_unet(**LDM), 2)), file)
    where = f"public_weights={{bsr_4x: {{local: {file}}}}}"
    wanted = tmp_path / "models" / "toy" / "fold1" / "vq.safetensors"
    done = snakemake(
        *TOY, f"results={tmp_path}", where, "networks={vq: {training: {perceptual_weight: 0}}}", "--", str(wanted)
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR")]
    assert done.returncode != 0
    assert any("model.ckpt: its vq has" in line and "networks.vq.size" in line for line in lines), lines


@pytest.mark.parametrize("length", ["steps", "epochs"])
def test_training_length_on_the_command_line_replaces_the_recipes(tmp_path: Path, length: str) -> None:
    change = f"networks={{ldm: {{training: {{{length}: 3}}}}}}"
    run("-n", "--quiet", "all", "--config", f"results={tmp_path}", change, config=None)
