"""The table of networks: each compared with its starting point, on the same slices."""

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark import volume
from benchmark.config.networks import labels
from benchmark.datasets.phantom import phantom
from benchmark.scores.inplane import COLUMNS, InPlane, compare_networks, networks_table
from benchmark.scores.metrics import psnr
from benchmark.scores.region import region
from models import weights
from models.interpolation import bicubic, degrade

SIZES = {
    "wdsr": {"blocks": 1, "width": 8, "expansion": 2},
    "srgan": {"blocks": 1, "width": 4},
    "autoencoder": {"width": 4, "scales": 2, "latent": 4},
    "quartet": {"blocks": 1, "width": 8, "expansion": 2},
    "edsr": {"blocks": 1, "width": 4},
    "vq": {"channels": [8, 8, 8], "layers_per_block": 1, "codes": 16, "norm_groups": 4},
    "ldm": {
        "width": 8, "multipliers": [1, 1], "layers_per_block": 1, "attention_factors": [2], "norm_groups": 4,
        "head_channels": 8,
    },
}  # fmt: skip
OPTIONS = {
    "seed": 1, "chunk": 3, "device": "cpu", "threads": 1, "every": 2,
    "sampling": {"steps": 2, "sampler": "ddim", "eta": 1.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Untrained weights of every network, and two volumes with an empty slice each."""
    folder = tmp_path_factory.mktemp("networks")
    paths = {}
    for name, size in SIZES.items():
        torch.manual_seed(0)
        paths[name] = folder / f"{name}.safetensors"
        weights.save(paths[name], weights.network(name, size), {"network": name, "size": size})
    volumes = []
    for seed in (1, 2):
        truth = np.moveaxis(phantom((32, 32, 12), "T1", seed).clip(0, 1), 2, 0).astype(np.float32)
        truth[4] = 0
        volumes.append(folder / f"sub-{seed}.nii.gz")
        volume.write(volumes[-1], truth, np.eye(4))
    return paths, volumes


def test_table_has_a_row_per_network_on_the_same_slices(files):
    paths, volumes = files
    table = compare_networks(paths, volumes, OPTIONS)
    assert list(table.columns) == COLUMNS
    assert list(table.network) == ["edsr", "wdsr", "srgan", "quartet", "autoencoder", "vq"]
    assert table.slices.nunique() == 1
    compared = table[table.network.isin(["edsr", "srgan", "wdsr", "quartet"])]
    np.testing.assert_allclose(compared.difference, compared.network_psnr - compared.start_psnr, atol=1e-9)
    assert table.start_psnr.isna().tolist() == [False, False, False, False, True, True]


def test_differences_equal_those_computed_from_slices_and_patients(files):
    paths, volumes = files
    row = compare_networks({"wdsr": paths["wdsr"]}, volumes, OPTIONS).iloc[0]
    network, gains, count = weights.load(paths["wdsr"]), [], 0
    for path in volumes:
        truth, affine = volume.read(path)
        truth = truth[::2][region(truth, affine).signal[::2]]
        low = degrade(torch.from_numpy(truth).unsqueeze(1))
        made, start = network(low).clamp(0, 1).squeeze(1).numpy(), bicubic(low).squeeze(1).numpy()
        gains.append(np.mean([psnr(m, t) - psnr(s, t) for m, s, t in zip(made, start, truth, strict=True)]))
        count += len(truth)
    assert (row.slices, row.patients) == (count, 2)
    assert count < 12
    assert (row.least, row.greatest) == pytest.approx((min(gains), max(gains)), abs=1e-4)
    assert row.difference == pytest.approx(np.mean(gains), abs=1e-4)


def test_slices_of_air_do_not_count(files, tmp_path):
    """A slice of faint noise is easy: it would raise every PSNR."""
    paths, volumes = files
    truth, affine = volume.read(volumes[0])
    truth[0, 10:12, 10:12] = 0.01
    volume.write(tmp_path / "air.nii.gz", truth, affine)
    truth[0] = 0
    volume.write(tmp_path / "none.nii.gz", truth, affine)
    tables = [compare_networks({"wdsr": paths["wdsr"]}, [tmp_path / f"{n}.nii.gz"], OPTIONS) for n in ("air", "none")]
    assert tables[0].slices[0] == tables[1].slices[0] > 0


def test_untrained_edsr_has_difference_zero(files):
    """Untrained, EDSR returns its input; so this also shows that both use the same sample of the diffusion."""
    paths, volumes = files
    row = compare_networks(paths, volumes, OPTIONS).set_index("network").loc["edsr"]
    assert row.starting_point == "diffusion"
    assert row.difference == 0
    assert (row.least, row.greatest) == (0, 0)


def test_edsr_is_left_out_without_the_diffusion_network(files):
    paths, volumes = files
    table = compare_networks({name: paths[name] for name in ("edsr", "vq")}, volumes, OPTIONS)
    assert list(table.network) == ["vq"]


def test_quartet_uses_neighbours_that_are_not_compared(files):
    """Untrained, the network is bicubic at a known slice; in any case it sees slices with their true neighbours."""
    paths, volumes = files
    row = compare_networks({"quartet": paths["quartet"]}, volumes, OPTIONS).iloc[0]
    assert (row.starting_point, row.difference) == ("bicubic", pytest.approx(0, abs=1e-4))
    truth = np.random.default_rng(0).random((6, 32, 32), dtype=np.float32)
    pictures = InPlane({"quartet": paths["quartet"]}, OPTIONS)
    torch.nn.init.normal_(pictures.networks["quartet"].tail.weight, std=0.1)
    one, changed = pictures.of(truth, np.array([2]), 0)["quartet"], truth.copy()
    changed[3] = 0
    assert np.abs(pictures.of(changed, np.array([2]), 0)["quartet"] - one).max() > 1e-3


def test_renamed_network_is_compared_by_its_class(files, tmp_path):
    paths, volumes = files
    path = tmp_path / "wide.safetensors"
    metadata = {"network": "wide", "class": "wdsr", "size": SIZES["wdsr"]}
    weights.save(path, weights.load(paths["wdsr"]), metadata)
    tables = [compare_networks({name: p}, volumes, OPTIONS) for name, p in (("wide", path), ("wdsr", paths["wdsr"]))]
    assert tables[0].network.tolist() == ["wide"]
    assert tables[0].drop(columns="network").equals(tables[1].drop(columns="network"))


def test_networks_ahead_on_every_patient_are_bold():
    row = {"network": "wdsr", "starting_point": "bicubic", "network_psnr": 27.0, "start_psnr": 26.0, "difference": 1.0}
    row |= {"greatest": 2.5, "patients": 2, "slices": 90}
    frame = pd.DataFrame([row | {"least": 0.1}, row | {"least": -0.5}], columns=COLUMNS)
    table = networks_table(frame, "phantom", {"wdsr": "WDSR"})
    assert [line[-1].text for line in table.rows] == ["+1.00 [+0.10, +2.50]", "+1.00 [−0.50, +2.50]"]
    assert [line[-1].bold for line in table.rows] == [True, False]
    assert "90 slices of 2 test patients" in table.caption


def test_printed_table_has_labels_and_unique_columns(files):
    table = networks_table(compare_networks(*files, OPTIONS), "phantom", labels({"networks": {}}, SIZES))
    assert len(set(table.columns)) == len(table.columns)
    started = {row[0].text: row[1].text for row in table.rows}
    assert set(started) == {"EDSR", "SRGAN", "WDSR", "Quartet", "autoencoder", "first stage (VQ)"}
    assert (started["EDSR"], started["SRGAN"]) == ("the diffusion's slice", "bicubic ×4")
