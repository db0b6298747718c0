"""The gains by EDSR and by interpolation, on planted scores."""

import pandas as pd
import pytest

from benchmark.scores.shares import CONTRASTS, contrasts, shares_sentences, shares_table


@pytest.fixture
def frame() -> pd.DataFrame:
    """EDSR is worth 0.2 dB, latents 0.06; with EDSR latents are worth 0.02 more."""
    psnr = {"ours": 27.28, "ours_no_edsr": 27.06, "baseline": 27.0, "baseline_edsr": 27.2, "linear": 25.6}
    rows = [{"cohort": "toy", "method": m, "ssim": v / 100, "psnr": v, "lpips": 0.1} for m, v in psnr.items()]
    return pd.DataFrame(rows)


def test_contrasts_have_hand_computed_differences(frame):
    found = contrasts(frame).set_index("contrast")["psnr"]
    assert found.tolist() == pytest.approx([0.08, 0.06, 0.22, 0.20, 0.28])
    assert len(shares_table(frame, {"toy": "Toy"}).rows) == len(CONTRASTS)


def test_parts_of_edsr_and_interpolation_sum_to_the_lead(frame):
    (sentence,) = shares_sentences(frame, {"toy": "Toy"})
    assert "+0.28 dB" in sentence
    assert "EDSR accounts for +0.21 dB" in sentence
    assert "+0.07 dB" in sentence


def test_no_shares_without_all_four_methods(frame):
    some = frame[frame["method"] != "baseline_edsr"]
    assert len(contrasts(some)) == 3
    assert shares_sentences(some, {"toy": "Toy"}) == []
