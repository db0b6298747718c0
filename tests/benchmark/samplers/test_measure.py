"""What is timed, what is scored, and whether cost is called linear only where it is."""

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.samplers.efficiency import efficiency_frame, efficiency_table, fit, medians
from benchmark.samplers.measure import efficiency, sampler_scores
from benchmark.samplers.table6 import sampler_frame, sampler_table
from models.methods.ours import Diffusion


class Fake(Diffusion):
    """Sampling that takes no network: the low-resolution slice is the latent."""

    def latents(self, slices, index):
        return slices.repeat(1, 3, 1, 1)

    def represent(self, slices, index):
        return self.latents(slices, index)

    def render(self, mixed, interpolated):
        return torch.nn.functional.interpolate(mixed[:, :1], scale_factor=4)


class Restoration:
    def build(self, subject):
        return Fake(chunk=4)


class Difference:
    def distances(self, a, b, mask, batch=16):
        return np.abs(a - b).mean(axis=(1, 2)), np.abs(a - b).mean(axis=(1, 2))


@pytest.fixture
def patients(tmp_path):
    truths, removals = [], []
    for subject in ("p1", "p2"):
        slices = np.random.default_rng(0).uniform(0.1, 1, (20, 16, 16)).astype(np.float32)
        volume.write(tmp_path / f"{subject}.nii.gz", slices, np.eye(4))
        write_removal(tmp_path / f"{subject}.tsv", Removal(20, np.array([4, 11])))
        truths.append(str(tmp_path / f"{subject}.nii.gz"))
        removals.append(str(tmp_path / f"{subject}.tsv"))
    return truths, removals


def test_each_patient_is_scored_once_and_timed_every_repeat(patients):
    table = sampler_scores(Restoration(), *patients, Difference(), repeats=3)
    assert table.groupby("subject").size().to_dict() == {"p1": 3, "p2": 3}
    assert table["ssim"].notna().sum() == 2
    assert set(table["sampled"]) == {4}  # two neighbours of each of two removed slices
    assert set(table["slices"]) == {20}
    assert (table["seconds"] > 0).all()
    assert table["hardware"].str.contains("thread").all()


def test_efficiency_restores_all_gaps_of_some_slices(patients):
    table = efficiency(Restoration(), patients[0][0], [4, 1, 2], repeats=2, slices=8)
    assert table["n"].tolist() == [1, 1, 2, 2, 4, 4]
    assert set(table["slices_in"]) == {8}
    assert medians(table)["slices_out"].tolist() == [15, 22, 36]
    assert (table["sampling_seconds"] <= table["seconds"]).all()


def measured(seconds, memory=(1000, 1000, 1000)) -> pd.DataFrame:
    rows = {"n": [2, 4, 10], "slices_in": 155, "slices_out": [463, 771, 1695], "sampling_seconds": 44.0}
    return pd.DataFrame(rows | {"seconds": seconds, "peak_mb": memory, "hardware": "H200"})


def test_a_line_is_linear_and_flat_and_the_published_seconds_stand_beside_it():
    frame = efficiency_frame(measured([62.0, 74.0, 110.0]))
    line = fit(frame)
    assert (line.fixed, line.each) == (pytest.approx(50), pytest.approx(6))
    assert (line.linear, line.flat) == (True, True)
    assert frame["seconds_paper"].tolist() == ["69.16", "72.58", "95.92"]
    caption = efficiency_table(frame, "BraTS").caption
    assert "50.00 s + 6.000 s · n" in caption
    assert caption.count("holds within") == 2


def test_quadratic_time_and_growing_memory_do_not_pass():
    line = fit(measured([4.0, 16.0, 100.0], [1000, 1400, 2000]))
    assert (line.linear, line.flat) == (False, False)
    assert "cannot be tested" in efficiency_table(efficiency_frame(measured([1.0] * 3)[:2]), "x").caption


def test_table_6_has_the_published_row_beside_each_setting():
    rows = []
    for sampler, steps, eta in (("ddim", 200, "1"), ("plms", 100, ""), ("dpm++", 20, "")):
        for cohort, psnr in (("brats_t1", 30.0), ("brats_t2", 32.0)):
            for subject, more in (("a", -1.0), ("b", 1.0)):
                row = {"cohort": cohort, "sampler": sampler, "steps": steps, "eta": eta, "subject": subject}
                row |= {"slices": 155, "seconds_per_slice": 0.25, "peak_mb": 5000.0, "hardware": "H200"}
                rows.append(row | {"ssim": 0.8, "psnr": psnr + more, "lpips": 0.1})
                rows.append(row | {"seconds_per_slice": 0.35, "ssim": np.nan, "psnr": np.nan, "lpips": np.nan})
    frame = sampler_frame(pd.DataFrame(rows))
    ddim, plms, dpm = (frame.iloc[i] for i in range(3))
    assert (ddim["psnr"], ddim["psnr_paper"], ddim["seconds_paper"]) == (31, "32.8488", "44.50")
    assert ddim["psnr_difference"] == pytest.approx(-1.8488)
    assert ddim["seconds"] == pytest.approx(0.3 * 155)
    assert "Table 4" in ddim["psnr_flag"]
    assert plms["psnr_paper"] == "27.4515"
    assert (dpm["psnr_paper"], dpm["psnr_flag"]) == ("", "")
    table = sampler_table(frame, "BraTS", 4)
    assert [cell.text for cell in table.rows[0][:3]] == ["DDIM", "200", "1"]
    assert table.rows[1][2].text == ""
    assert "nan" not in " ".join(cell.text for row in table.rows for cell in row)
