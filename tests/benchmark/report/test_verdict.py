"""The first page of the report, and the gallery."""

import base64
import html as html_
import io
import re

import pandas as pd
import pytest
from PIL import Image

from benchmark.cohort.sheet import Patient
from benchmark.print.typeset import Cell, Table, html, number, rst_escape, write_caption
from benchmark.report import trained
from benchmark.report.deviations import decisions, deviations
from benchmark.report.pages import Picture, as_html, gallery, verdict_page
from benchmark.report.verdict import (
    agreement_table,
    claims_table,
    efficiency_sentence,
    metrics_sentence,
    outcome,
    outcomes,
    parts,
    run_table,
    sampler_sentence,
    summary,
    winners_table,
)
from benchmark.scores.metrics import METRICS
from benchmark.scores.significance import CLEARLY, NOT_SHOWN, SHOWN, TOO_FEW

NETWORKS = {
    "vq": {"init": None, "needs": [], "size": {}, "training": {"steps": 5, "batch": 1}},
    "ldm": {"init": None, "needs": ["vq"], "size": {}, "training": {"steps": 5, "batch": 1}},
}
CONFIG = {
    "recipe": "mine",
    "minutes": None,
    "study": {"folds": 5, "methods": ["ours", "baseline", "bicubic_ae", "srgan", "wdsr", "linear", "truth"]},
    "protocol": {"remove": 0.1, "antialias": True},
    "preprocess": {"size": 256, "shrink": 1, "scaling": "volume"},
    "sampling": {"sampler": "ddim", "steps": 200, "eta": 1.0, "noise": "independent", "quantise_interpolated": True},
    "frame": {"antialias": True, "cohorts": {"oasis": {"label": "O", "axis": 0, "size": 256, "shrink": 1}}},
    "networks": NETWORKS | {"vq": NETWORKS["vq"] | {"init": "model.ckpt"}},
    "methods": {m: {"networks": ["vq", "ldm"]} for m in ("ours", "baseline")}
    | {m: {"networks": []} for m in ("bicubic_ae", "srgan", "wdsr", "linear", "truth")},
}
SHEETS = {"oasis": [Patient(f"p{i}", "", "", "", "", "", "cv" if i else "test", 0) for i in range(3)]}


@pytest.fixture
def frame() -> pd.DataFrame:
    rows = [
        ["oasis", "ours", "Ours", "method", 0.84, "0.833", "", 25.0, "39.13", "Not reachable", 0.03, "0.07", ""],
        ["oasis", "linear", "Linear", "control", 0.90, "", "", 26.0, "", "", 0.20, "", ""],
        ["oasis", "truth", "truth", "oracle", 1.0, "", "", float("inf"), "", "", 0.0, "", ""],
    ]
    columns = ["cohort", "method", "label", "kind"]
    for metric in ("ssim", "psnr", "lpips"):
        columns += [metric, f"{metric}_paper", f"{metric}_flag"]
    return pd.DataFrame(rows, columns=columns).assign(
        slices=41, left_out=7, patients=3, block=["article", "control", "oracle"]
    )


@pytest.mark.parametrize(
    ("ours", "paper", "metric", "flag", "expected"),
    [
        (0.84, 0.833, "ssim", "", "within ±2 %"),
        (0.9, 0.8, "ssim", "", "better"),
        (0.7, 0.8, "ssim", "", "worse"),
        (0.1, 0.2, "lpips", "", "better"),
        (0.3, 0.2, "lpips", "", "worse"),
        (0.817, 0.8, "ssim", "", "better"),  # 2.1 %
        (0.783, 0.8, "ssim", "", "worse"),
        (0.785, 0.8, "ssim", "", "within ±2 %"),  # 1.9 %
        (0.1961, 0.2, "lpips", "", "within ±2 %"),
        (39.13, 39.13, "psnr", "cannot be", "implausible"),
    ],
)
def test_outcome_of_a_cell_against_the_article(ours, paper, metric, flag, expected):
    assert outcome(ours, paper, metric, flag) == expected


def test_agreement_table_counts_the_outcomes(frame):
    cells = outcomes(frame)
    assert cells["outcome"].tolist() == ["within ±2 %", "implausible", "better"]
    row = agreement_table(cells, {"oasis": "OASIS"}).rows[0]
    assert [cell.text for cell in row] == ["OASIS", "3", "1", "1", "0", "1"]


def test_winner_is_the_best_method_without_oracles(frame):
    rows = [[cell.text for cell in row] for row in winners_table(frame, {"oasis": "OASIS"}).rows]
    assert rows == [
        ["OASIS", "methods of the article", "Ours (0.8400)", "Ours (25.00)", "Ours (0.0300)"],
        ["OASIS", "all methods and controls", "Linear (0.9000)", "Linear (26.00)", "Ours (0.0300)"],
    ]


def test_means_that_print_as_equal_share_the_place(frame):
    frame.loc[1, ["ssim", "lpips"]] = [0.84004, 0.02996]
    row = winners_table(frame, {"oasis": "OASIS"}).rows[1]
    assert [cell.text for cell in row[2:]] == ["Ours = Linear (0.8400)", "Linear (26.00)", "Ours = Linear (0.0300)"]


def test_best_mean_is_the_number_in_the_table(frame):
    """0.12345 is a little above the half, so tables print 0.1235; pandas rounds to 0.1234."""
    frame.loc[[0, 1], "lpips"] = [0.12345, 0.1235]
    row = winners_table(frame, {"oasis": "OASIS"}).rows[1]
    assert row[-1].text == f"Ours = Linear ({number(0.12345, 4)})" == "Ours = Linear (0.1235)"


def claims(count: int, verdicts: tuple[str, str, str]) -> pd.DataFrame:
    rows = [["oasis", "ours", "linear", "patient", m, count, v] for m, v in zip(METRICS, verdicts, strict=True)]
    return pd.DataFrame(rows, columns=["cohort", "first", "second", "level", "metric", "patients", "verdict"])


def test_claims_are_counted_over_all_metrics_and_not_with_few_patients(frame):
    def cell(table: pd.DataFrame | None) -> str:
        return claims_table(table, frame, {"oasis": "OASIS"}).rows[0][1].text

    assert cell(claims(24, (CLEARLY,) * 3)) == "1 of 1 (1 clearly)"
    assert cell(claims(24, (CLEARLY, SHOWN, CLEARLY))) == "1 of 1 (0 clearly)"
    assert cell(claims(24, (CLEARLY, NOT_SHOWN, CLEARLY))) == "0 of 1 (0 clearly)"
    assert cell(claims(3, (TOO_FEW,) * 3)) == "not enough patients (3; at least 20)"
    assert cell(None) == "not tested"
    text = " ".join(summary(frame, outcomes(frame), {"significance": claims(3, (TOO_FEW,) * 3)}, CONFIG, SHEETS)[2])
    assert "With 3 test patients no claim about other patients is shown" in text
    assert "contest" in text


def test_summary_states_the_study_and_its_outcome(frame):
    opening, agreement, sentences = summary(frame, outcomes(frame), {}, CONFIG, SHEETS)
    assert "7 methods (2 trained) on 1 cohort, 5 folds" in opening
    assert "trained by the recipe “mine”" in opening
    assert "Of 3 numbers" in opening
    assert "1 are within ±2 %, 1 better, 0 worse; 1 are implausible" in opening
    assert "LPIPS of ours" in agreement
    assert metrics_sentence(frame) in sentences
    nothing = outcomes(frame.assign(ssim_paper="", psnr_paper="", lpips_paper=""))
    assert "No number of the article" in summary(frame, nothing, {}, CONFIG, SHEETS)[0]
    table = run_table(frame, SHEETS, {"oasis": (17, 3)}, {"oasis": "OASIS"})
    assert [cell.text for cell in table.rows[0]] == ["OASIS", "2 + 1", "17 + 3", "41", "7"]


def test_deviations_of_the_full_and_of_a_small_study(frame):
    cells = outcomes(frame)
    assert deviations(CONFIG, cells) == trained.deviations(CONFIG)
    small = CONFIG | {
        "study": {"folds": 2, "methods": ["ours"], "stand_in": "toy"},
        "preprocess": {"size": 64, "shrink": 4},
        "sampling": CONFIG["sampling"] | {"steps": 20},
        "networks": NETWORKS,
    }
    text = " ".join(deviations(small, cells[:0]))
    for words in ("Folds: 2", "64×64", "4 to 1", "T = 20", "random weights", "srgan, wdsr", "toy", "No cell"):
        assert words in text


@pytest.mark.parametrize(
    ("block", "key", "value", "words"),
    [
        ("protocol", "remove", 0.25, "Removed slices: 0.25 of all; the article has 0.1."),
        ("sampling", "noise", "shared", "one noise field"),
        ("sampling", "quantise_interpolated", False, "not quantised"),
        ("methods", "ours", {"networks": ["vq", "ldm"], "options": {"samples": 4}}, "the article's: samples 4."),
    ],
)
def test_one_changed_setting_is_one_more_deviation(frame, block, key, value, words):
    changed = CONFIG | {block: CONFIG[block] | {key: value}}
    (new,) = set(deviations(changed, outcomes(frame))) - set(deviations(CONFIG, outcomes(frame)))
    assert words in new


def test_decisions_follow_the_configuration():
    assert any("one scale per volume" in text for text in decisions(CONFIG))
    changed = CONFIG | {"preprocess": {"scaling": "slice"}, "protocol": {"antialias": False}}
    assert not any("one scale per volume" in text for text in decisions(changed))
    assert any("its own scale" in text for text in decisions(changed))
    assert any("without a filter" in text for text in decisions(changed))


def test_scores_of_the_truth_other_than_perfect_are_called_wrong(frame):
    assert "has, as it must, SSIM 1" in metrics_sentence(frame)
    frame.loc[2, "ssim"] = 0.99
    assert "metrics are wrong" in metrics_sentence(frame)
    assert "not in this run" in metrics_sentence(frame[:2])


def test_efficiency_and_sampler_sentences():
    rows = {"n": [1, 2, 4], "slices_in": 24, "repeats": 3, "peak_mb": 1.0, "hardware": "CPU"}
    rows |= {f"{part}_{bound}": [2.0, 3.0, 5.0] for part in ("rest",) for bound in ("seconds", "low", "high")}
    rows |= {f"sampling_{bound}": 1.0 for bound in ("seconds", "low", "high")}
    text = efficiency_sentence(pd.DataFrame(rows))
    assert "24 slices on CPU" in text
    assert "linear in n: linear" in text
    assert "article's own totals are not linear" in text
    assert "not tested" in efficiency_sentence(None)
    table = pd.DataFrame({"sampler": ["ddim", "plms"], "steps": [5, 10], "eta": [1.0, None], "psnr": [20.0, 21.0]})
    table["scans"] = 3
    assert "PLMS, T = 10, has the highest mean PSNR (21.00 dB, 3 scans)" in sampler_sentence(table)


def test_pages_are_valid_and_escape_their_text():
    table = Table("A", "", ["x_", "y"], ["group", [Cell("a*b"), Cell("1", True)]])
    text = verdict_page(["Plain *text*_", table, ["one", "two_"]])
    page = as_html("T", text)
    assert "system-message" not in page
    assert '<td><p class="words">a*b</p></td>' in page
    assert "<strong>1</strong>" in page
    assert "<title>T</title>" in page
    assert "<h1>T</h1>" in page
    page = gallery("Figures", {"fig05.png": ("Figure 5: scores", r"a\*b"), "fig06.png": ("Figure 6", "c & d")})
    assert page.count("<figure") == 2
    assert "<b>Figure 5: scores</b>" in page
    assert page.index("fig05.png") < page.index("fig06.png")
    assert 'src="fig05.png"' in page
    assert "a*b" in page
    assert "c &amp; d" in page


def test_picture_is_embedded_in_the_page(tmp_path):
    from PIL import Image

    Image.new("RGB", (2000, 800), "red").save(tmp_path / "a.png")
    page = as_html("T", verdict_page(["text", Picture(tmp_path / "a.png", "A scan", "What it *is*."), "more"]))
    assert page.count("<img") == 1
    assert 'alt="A scan"' in page
    assert "a.png" not in page
    assert "<em>is</em>" in page
    held = base64.b64decode(page.split("base64,")[1].split('"')[0])
    assert Image.open(io.BytesIO(held)).size == (1200, 480)


def test_empty_table_is_replaced_by_a_sentence():
    page = as_html("T", verdict_page(["text", Table("Empty", "", ["a", "b"])]))
    assert "This run has no data for this table." in page
    assert "system-message" not in page


def test_pages_have_a_viewport_and_tables_scroll():
    table = Table("A", "", [f"column {i}" for i in range(30)], [[Cell("0.123 ± 0.004")] * 30] * 3)
    for page, tables in ((as_html("T", verdict_page(["text", table, table])), 2), (html(table), 1)):
        assert '<meta name="viewport" content="width=device-width' in page
        assert page.count("<table") == len(re.findall(r'<div class="scroll"[^>]*><table', page)) == tables
        assert page.count("</table></div>") == tables
        assert ".scroll{overflow-x:auto" in page


HOSTILE = [
    "Toy\n\n.. raw:: html\n\n   <script>alert(1)</script>\n\n",
    ".. include:: {secret}",
    "Toy\n\n.. include:: {secret}\n\n",
    "Toy\n\n.. csv-table::\n   :file: {secret}\n\n",
    "Toy\n\n.. role:: raw-html(raw)\n   :format: html\n\n:raw-html:`<script>alert(1)</script>`\n\n",
]


@pytest.mark.parametrize("escaped", [True, False], ids=["as the pages are made", "a caption that is not escaped"])
@pytest.mark.parametrize("label", HOSTILE)
def test_label_cannot_insert_html_or_a_file(tmp_path, label, escaped):
    (tmp_path / "secret.txt").write_text("hush")
    label = label.format(secret=tmp_path / "secret.txt")
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    table = Table(label, label, [label, "b"], [label, [Cell(label), Cell("1", True)]])
    write_caption(tmp_path / "a.rst", label)
    caption = (tmp_path / "a.rst").read_text() if escaped else label
    parts = [label, table, [label], Picture(tmp_path / "a.png", label, caption)]
    for page in (as_html("T", verdict_page(parts)), gallery("T", {"a.png": ("a", caption)})):
        assert "<script>alert" not in page
        assert "hush" not in page
    if escaped:  # shown unchanged, without an error message
        text = re.sub(r"\s+", " ", html_.unescape(re.sub("<[^>]+>", "", as_html("T", rst_escape(label)))))
        assert " ".join(label.split()) in text
        assert "System Message" not in as_html("T", verdict_page(parts))


def test_agreement_is_left_out_without_published_values(frame):
    about = {"label": "OASIS T1", "axis": "sagittal"}
    methods = {m: {"label": m, "features": []} for m in CONFIG["methods"]}
    labels = {"study": CONFIG["study"], "cohorts": {"oasis": about}, "methods": methods}
    sheets = {"oasis": [Patient("p1", "", "", "176x256x256", "1x1x1", "RAS", "test", 0)]}
    frame = frame.assign(**{f"{metric}_region": 1.0 for metric in METRICS})

    def titles(of):
        return [part.title for part in parts(of, {}, CONFIG, labels, sheets) if isinstance(part, Table)]

    assert "Agreement with the article" in titles(frame)
    assert "Agreement with the article" not in titles(frame.assign(**{f"{metric}_paper": "" for metric in METRICS}))
