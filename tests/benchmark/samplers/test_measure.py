"""Timing, scores, and whether the time is called linear only if it is linear."""

import numpy as np
import pandas as pd
import pytest
import torch
from perceptual_distance import MeanAbsoluteDifference

from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.jobs.timing import Stopwatch
from benchmark.samplers.efficiency import (
    LINEAR,
    NOT_LINEAR,
    UNKNOWN,
    efficiency_frame,
    efficiency_table,
    growth,
    linearity,
    of_article,
)
from benchmark.samplers.measure import counted, efficiency, sampler_scores
from benchmark.samplers.table6 import sampler_frame, sampler_table
from models.methods.ours import Diffusion


class IdentityDiffusion(torch.nn.Module):
    """A diffusion whose latent is the low-resolution slice."""

    def sample(self, slices, seeds, **sampling):
        return slices.repeat(1, 3, 1, 1)


class IdentityMethod(Diffusion):
    made_of = ("ldm",)

    def represent(self, slices, index):
        return self.latents(slices, index)

    def render(self, mixed, interpolated):
        return torch.nn.functional.interpolate(mixed[:, :1], scale_factor=4)


class Restoration:
    def build(self, subject):
        return IdentityMethod({"ldm": IdentityDiffusion()}, chunk=4)


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


def test_each_patient_is_scored_once_and_timed_in_every_repeat(patients):
    table = sampler_scores(Restoration(), *patients, MeanAbsoluteDifference(), repeats=3)
    assert table.groupby("subject").size().to_dict() == {"p1": 3, "p2": 3}
    assert table["ssim"].notna().sum() == 2
    assert set(table["sampled"]) == {4}  # two neighbours of each of two removed slices
    assert set(table["slices"]) == {20}
    assert (table["seconds"] > 0).all()
    np.testing.assert_allclose(table["seconds_per_slice"], table["seconds"] / 4)
    assert table["hardware"].str.contains("thread").all()


def test_efficiency_restores_every_gap_of_the_chosen_slices(patients):
    table = efficiency(Restoration(), patients[0][0], [4, 1, 2], repeats=2, slices=8)
    assert table["n"].tolist() == [1, 1, 2, 2, 4, 4]
    assert set(table["slices_in"]) == {8}
    assert efficiency_frame(table)["slices_out"].tolist() == [15, 22, 36]
    assert (table["sampling_seconds"] <= table["seconds"]).all()


def measured(rest, *, n=(2, 4, 10), noise=0.01, repeats=3, memory=1000.0, sampling=44.0, slices=155) -> pd.DataFrame:
    """Repeats of runs that take ``rest(n)`` seconds beyond the sampling, each with an error of up to ``noise`` times
    this time."""
    rows = []
    for place, many in enumerate(n):
        for repeat in range(repeats):
            off = 1 + noise * np.linspace(-1, 1, repeats)[repeat] if repeats > 1 else 1
            row = {"n": many, "slices_in": slices, "slices_out": slices + (slices - 1) * many}
            row |= {"sampling_seconds": sampling, "seconds": sampling + rest(many) * off}
            rows.append(row | {"peak_mb": memory * (1 + 0.2 * place * (memory > 1000)), "hardware": "H200"})
    return pd.DataFrame(rows)


def verdict_of(*arguments, **options) -> str:
    return linearity(efficiency_frame(measured(*arguments, **options))).verdict


def linear_seconds(n: float) -> float:
    return 5 + 2 * n


def test_linear_time_and_flat_memory_are_reported_next_to_published_seconds():
    frame = efficiency_frame(measured(linear_seconds))
    assert linearity(frame).slopes == pytest.approx([2, 2])
    assert linearity(frame).verdict == LINEAR
    assert frame["seconds_paper"].tolist() == ["69.16", "72.58", "95.92"]
    caption = efficiency_table(frame, "BraTS").caption
    assert "linear in n: linear (" in caption
    assert "stays flat" in caption
    assert "scaled" not in caption


@pytest.mark.parametrize("curve", [lambda n: n**2, lambda n: 10 * n**0.5, lambda n: 2.0**n / 10, lambda n: 10.0])
def test_nonlinear_time_is_not_called_linear(curve):
    """Steeper and steeper, flatter and flatter, exponential; and seconds that do not grow have no slope at all."""
    assert verdict_of(curve) in (NOT_LINEAR, UNKNOWN)
    assert verdict_of(lambda n: n**2) == NOT_LINEAR
    assert verdict_of(lambda n: 10 * n**0.5) == NOT_LINEAR


def test_sampling_time_does_not_hide_nonlinear_time():
    """With 1000 s of sampling a parabola's totals lie within 5 % of a line; the rest does not."""
    assert verdict_of(lambda n: n**2, sampling=1000.0) == NOT_LINEAR


def test_published_totals_are_not_linear():
    assert of_article().slopes == pytest.approx([1.71, 3.89], abs=0.01)
    assert of_article().verdict == NOT_LINEAR


def test_noise_few_repeats_or_few_n_give_no_verdict():
    assert verdict_of(linear_seconds, noise=0.3) == UNKNOWN
    assert verdict_of(lambda n: 5 + 2 * n + 0.1 * n**2, noise=0.2) == UNKNOWN
    assert verdict_of(linear_seconds, repeats=2) == UNKNOWN
    assert verdict_of(linear_seconds, n=(2, 4)) == UNKNOWN
    busy = measured(linear_seconds)
    busy.loc[4, "sampling_seconds"] = 70.0
    assert linearity(efficiency_frame(busy)).verdict == UNKNOWN
    assert "busy" in linearity(efficiency_frame(busy)).why


def test_table_has_the_median_of_the_repeats_and_gigabytes():
    runs = measured(linear_seconds, memory=1000.0)
    runs.loc[2, "seconds"] += 60  # one slow repeat of n = 2
    table = efficiency_table(efficiency_frame(runs), "x")
    row = dict(zip(table.columns, (cell.text for cell in table.rows[0]), strict=True))
    assert row["total, s"] == "53.00"  # 44 s of sampling and 9 s
    assert row["interpolation and decoding, s"] == "9.00 [8.91, 69.09]"
    assert row["sampling, s"] == "44.00 [44.00, 44.00]"
    assert (row["peak memory, GB"], row["slices in"], row["slices out"]) == ("1.00", "155", "463")


def test_growing_memory_is_not_called_flat():
    frame = efficiency_frame(measured(linear_seconds, memory=2000.0))
    assert growth(frame) == pytest.approx(0.4)
    assert "does not stay flat" in efficiency_table(frame, "x").caption


def test_seconds_of_a_small_run_are_scaled_to_155_slices():
    frame = efficiency_frame(measured(linear_seconds, slices=31, sampling=10.0))
    assert frame["seconds_155"].tolist() == pytest.approx([5 * (10 + linear_seconds(n)) for n in (2, 4, 10)])
    table = efficiency_table(frame, "x")
    row = dict(zip(table.columns, (cell.text for cell in table.rows[0]), strict=True))
    assert row["total, s"] == "19.00"
    assert row["total, s for 155 slices"] == "95.00"
    assert row["article, s for 155 slices"] == "69.16"
    assert "Timed on 31 slices" in table.caption


def test_table_6_has_the_published_row_next_to_each_setting():
    rows = []
    for sampler, steps, eta in (("ddim", 200, "1"), ("plms", 100, ""), ("dpm++", 20, "")):
        for cohort, psnr in (("brats_t1", 30.0), ("brats_t2", 32.0)):
            for subject, more in (("a", -1.0), ("b", 1.0)):
                row = {"cohort": cohort, "sampler": sampler, "steps": steps, "eta": eta, "subject": subject}
                row |= {"slices": 40, "seconds_per_slice": 0.25, "peak_mb": 5000.0, "hardware": "H200"}
                rows.append(row | {"ssim": 0.8, "psnr": psnr + more, "lpips": 0.1})
                rows.append(row | {"seconds_per_slice": 0.35, "ssim": np.nan, "psnr": np.nan, "lpips": np.nan})
    frame = sampler_frame(pd.DataFrame(rows))
    ddim, plms, dpm = (frame.iloc[i] for i in range(3))
    assert (ddim["psnr"], ddim["psnr_paper"], ddim["seconds_paper"]) == (31, "32.8488", "44.50")
    assert ddim["psnr_difference"] == pytest.approx(-1.8488)
    assert ddim["seconds"] == pytest.approx(0.3 * 155)  # of the article's 155 slices, though the volumes have 40
    assert "Table 4" in ddim["psnr_flag"]
    assert plms["psnr_paper"] == "27.4515"
    assert (dpm["psnr_paper"], dpm["psnr_flag"]) == ("", "")
    assert ddim["scans"] == 4
    assert counted(pd.DataFrame(rows)) == "4 scans"  # of two patients
    table = sampler_table(frame, "BraTS", counted(pd.DataFrame(rows)))
    assert table.caption.startswith("BraTS: 4 scans, removed slices")
    assert "The article's seconds" in table.caption
    assert "The article's seconds" not in sampler_table(frame[2:], "BraTS", "4 scans").caption
    assert [cell.text for cell in table.rows[0][:3]] == ["DDIM", "200", "1"]
    assert table.rows[1][2].text == ""
    assert "nan" not in " ".join(cell.text for row in table.rows for cell in row)


def test_table_6_has_each_value_below_its_heading_and_the_best_of_each_column_bold():
    rows = [
        {"cohort": "brats_t1", "sampler": sampler, "steps": steps, "eta": eta, "subject": "a", "slices": 40}
        | {"ssim": ssim, "psnr": psnr, "lpips": lpips, "seconds_per_slice": 0.25, "peak_mb": 5120.0, "hardware": "H200"}
        for sampler, steps, eta, ssim, psnr, lpips in (
            ("ddim", 200, "1", 0.8, 31.004, 0.2),
            ("plms", 100, "", 0.9, 31.001, 0.3),  # the same PSNR, as printed
            ("dpm++", 20, "", 0.7, 29.0, 0.1),
        )
    ]
    table = sampler_table(sampler_frame(pd.DataFrame(rows)), "BraTS", "1 scan")
    columns = list(table.columns)
    places = [columns.index(name) for name in ("SSIM", "PSNR, dB", "LPIPS")]
    ddim = [cell.text for cell in table.rows[0]]
    assert [ddim[place] for place in places] == ["0.8000", "31.00", "0.2000"]
    assert [ddim[place + 1] for place in places] == ["0.8568", "32.8488", "0.0610"]
    assert [ddim[place + 2] for place in places] == ["−0.0568", "−1.84", "+0.1390"]
    assert ddim[columns.index("sampling, s for 155 slices")] == "38.75"
    assert ddim[columns.index("article, s")] == "44.50"
    assert ddim[columns.index("peak memory, GB")] == "5.12"
    assert [[row[place].bold for place in places] for row in table.rows] == [
        [False, True, False],
        [True, True, False],
        [False, False, True],
    ]


def test_150_and_167_steps_are_next_to_the_published_150_with_a_footnote():
    rows = []
    for steps in (150, 167, 200):
        row = {"cohort": "brats_t1", "sampler": "ddim", "steps": steps, "eta": "1", "subject": "a", "slices": 155}
        row |= {"seconds_per_slice": 0.25, "peak_mb": 5000.0, "hardware": "H200"}
        rows.append(row | {"ssim": 0.8, "psnr": 30.0, "lpips": 0.1})
    frame = sampler_frame(pd.DataFrame(rows))
    assert frame["psnr_paper"].tolist() == ["32.7918", "32.7918", "32.8488"]
    table = sampler_table(frame, "BraTS", "1 scan")
    notes = [row[1].note for row in table.rows]
    assert 0 not in notes[:2]
    assert notes[2] == 0
    assert "167 evaluations" in table.notes[notes[0] - 1]


def test_timing_leaves_the_restorer_unchanged():
    slices, known = np.full((4, 8, 8), 0.5, np.float32), np.arange(4)
    restorer = Restoration().build("p1")
    before = dict(vars(restorer))
    watch = Stopwatch(restorer)
    watch.warm_up(slices, known)
    run = watch.run(slices, known, np.array([0.0, 0.5, 3.0]))
    assert (run.sampled, len(run.volume)) == (3, 3)
    assert 0 < run.sampling_seconds < run.seconds
    assert watch.run(slices, known, np.array([0.0])).sampled == 1  # every run counts anew
    assert vars(restorer) == before
    with pytest.raises(ValueError, match="positions"):
        watch.run(slices, known, np.array([9.0]))
    assert vars(restorer) == before
