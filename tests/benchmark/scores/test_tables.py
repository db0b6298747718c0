"""Tables as numbers and in print."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from benchmark.cohort.sheet import Patient
from benchmark.errors import UserError
from benchmark.print.typeset import Cell, Table, html, latex, markdown, number, rst_escape, write_table
from benchmark.report.cost import cost_table, jobs
from benchmark.scores.aggregate import read_scores
from benchmark.scores.published import Published, patients, read
from benchmark.scores.score_table import score_frame, score_table

SHEETS = {"toy": [Patient(f"p{i}", "", "", "", "", "", role, 0) for i, role in enumerate(["cv", "cv", "test", "test"])]}


@pytest.fixture
def frame(score_files, labels) -> pd.DataFrame:
    return score_frame(read_scores(score_files), ["toy"], labels, Published())


def test_cells_have_the_published_value_difference_and_flag(frame):
    ours, linear = frame.iloc[0], frame.iloc[1]
    assert ours["psnr_paper"] == "39.13"
    assert ours["psnr_difference"] == pytest.approx(ours["psnr"] - 39.13)
    assert "true neighbours reach" in ours["psnr_flag"]
    assert (linear["psnr_paper"], linear["psnr_flag"]) == ("", "")
    assert np.isnan(linear["psnr_difference"])


def test_table_files_are_reproducible_and_missing_values_blank(frame, labels, tmp_path):
    table = score_table(frame, 1, labels, SHEETS)
    for stem in ("a", "b"):
        write_table(tmp_path / stem, frame, table)
    for suffix in ("csv", "md", "tex", "html", "rst"):
        text = (tmp_path / f"a.{suffix}").read_text()
        assert text == (tmp_path / f"b.{suffix}").read_text()
        assert "nan" not in text.split("<script>")[0].lower()
    assert ",inf," in (tmp_path / "a.csv").read_text()
    assert "∞" in (tmp_path / "a.md").read_text()
    assert r"$\infty$" in (tmp_path / "a.tex").read_text()


def with_rows_of_every_block(frame: pd.DataFrame) -> pd.DataFrame:
    """A row of each block and two of the article's; the project's is the best of all."""
    ours = frame.iloc[0]
    rows = [ours]
    for method, block, ahead in (("worse", "article", -1), ("quartet", "project", 5), ("no_edsr", "variant", 2)):
        better = {m: ours[m] + ahead * (-0.01 if m.startswith("lpips") else 0.01) for m in ("ssim", "psnr", "lpips")}
        rows.append(pd.Series(ours.to_dict() | {"method": method, "label": method, "block": block} | better))
    return pd.concat([pd.DataFrame(rows), frame.iloc[1:]], ignore_index=True)


def test_best_of_a_block_is_bold_and_oracles_are_not(frame, labels):
    table = score_table(with_rows_of_every_block(frame), 1, labels, SHEETS)
    headings = [row for row in table.rows if isinstance(row, str)]
    assert headings == [
        "methods of the article",
        "the article's, with and without EDSR",
        "not in the article: this project's",
        "controls: not trained",
        "oracles: see the truth",
    ]
    bold = [row[0].text for row in table.rows if not isinstance(row, str) and row[1].bold]
    assert bold == ["SR with SI (ours)"]


def test_each_value_is_below_its_heading_and_the_better_one_of_each_column_is_bold(frame, labels):
    """Higher is better for SSIM and PSNR, lower for LPIPS, in the frame and in the region."""
    columns = ("ssim", "psnr", "lpips", "ssim_region", "psnr_region", "lpips_region")
    several = with_rows_of_every_block(frame)
    for column, first, second in zip(columns, (0.9, 20, 0.3, 0.5, 30, 0.1), (0.8, 25, 0.2, 0.6, 22, 0.4), strict=True):
        several.loc[several["block"] == "article", column] = [first, second]
    table = score_table(several, 1, labels, SHEETS)
    names = ("SSIM", "PSNR, dB", "LPIPS", "brain SSIM", "brain PSNR, dB", "brain LPIPS")
    places = [list(table.columns).index(name) for name in names]
    first, second = [row for row in table.rows if not isinstance(row, str)][:2]
    assert [first[place].text.split(" ")[0] for place in places] == [
        "0.9000", "20.00", "0.3000", "0.5000", "30.00", "0.1000",
    ]  # fmt: skip
    assert [first[place].bold for place in places] == [True, False, False, False, True, True]
    assert [second[place].bold for place in places] == [False, True, True, True, False, False]
    for metric, place in zip(columns[:3], places[:3], strict=True):
        assert table.columns[place + 1 : place + 3] == ["article", "Δ"]
        assert first[place + 1].text == several.loc[0, f"{metric}_paper"] != ""
        digits = 2 if metric == "psnr" else 4
        assert first[place + 2].text == number(several.loc[0, f"{metric}_difference"], digits, sign=True)
    assert "Δ is the number of this run minus the published number" in table.caption


@pytest.mark.parametrize(
    ("cv", "test", "marked"), [(2, 2, False), (3, 2, True), (2, 3, True), ("all", 2, False), ("all", 3, True)]
)
def test_cohort_with_fewer_patients_of_either_role_is_marked(frame, labels, cv, test, marked):
    labels["cohorts"]["toy"] |= {"partial": True, "patients": {"cv": cv, "test": test}}
    caption = score_table(frame, 1, labels, SHEETS).caption
    assert (f"PARTIAL: {cv} + {test} patients were requested, 2 + 2 found" in caption) == marked
    assert ("PARTIAL" in caption) == marked


def test_values_that_print_as_equal_are_both_bold(frame, labels):
    several = with_rows_of_every_block(frame)
    several.loc[several["block"] == "article", "lpips"] = [0.12345, 0.1235]
    rows = [row for row in score_table(several, 1, labels, SHEETS).rows if not isinstance(row, str)]
    column = list(score_table(several, 1, labels, SHEETS).columns).index("LPIPS")
    assert [row[column].bold for row in rows[:2]] == [True, True]


def test_printed_cells_have_both_standard_deviations(frame, labels):
    ours = next(row for row in score_table(frame, 1, labels, SHEETS).rows if not isinstance(row, str))
    expected = [number(frame.loc[0, f"ssim{which}"], 4) for which in ("", "_sd", "_patients_sd")]
    assert ours[1].text == "{} ± {} ({})".format(*expected)


def test_caption_names_methods_trained_with_alexnet_and_comparable_rows(frame, labels):
    assert "AlexNet's features" not in score_table(frame, 1, labels, SHEETS).caption
    assert "compare" not in score_table(frame, 1, labels, SHEETS).caption
    assert "slice interpolation; ‘ours’ is the article's method" in score_table(frame, 1, labels, SHEETS).caption
    labels["methods"]["ours"]["features"] = ["alex"]
    about = {"label": "baseline, sharp", "kind": "method", "origin": "variant", "features": []}
    labels["methods"]["baseline_edsr"] = about
    labels["study"]["methods"].append("baseline_edsr")
    caption = score_table(frame, 1, labels, SHEETS).caption
    assert "SR with SI (ours): trained with AlexNet's features" in caption
    assert "compare SR with SI (ours) with baseline, sharp." in caption
    assert "over 2 trainings tested on the same patients" in caption


def test_caption_states_patients_slices_and_folds(frame, labels):
    caption = score_table(frame, 2, labels, SHEETS, stand_in=[2, 3]).caption
    for words in (
        "2 test patients",
        "6 removed slices",
        "0 left out",
        "2 folds",
        "The article has 17 + 3",
        "cohorts of tables 2, 3: the cohort above stands in for them, and one table replaces all",
    ):
        assert words in caption
    assert score_table(frame, 2, labels, SHEETS, stand_in=[2, 3]).title.startswith("Tables 2, 3: scores on ")
    assert score_table(frame, 2, labels, SHEETS, stand_in=[2]).title.startswith("Table 2: ")
    assert "PARTIAL" not in caption
    labels["cohorts"]["toy"] |= {"partial": True, "patients": {"cv": 17, "test": 3}}
    assert "PARTIAL: 17 + 3 patients were requested, 2 + 2 found" in score_table(frame, 1, labels, SHEETS).caption


def test_cohort_that_is_not_in_the_article_has_no_article_columns(score_files, labels):
    del labels["cohorts"]["toy"]["paper"]
    frame = score_frame(read_scores(score_files), ["toy"], labels, Published())
    assert "article" not in score_table(frame, 1, labels, SHEETS).columns


def test_text_is_escaped_in_every_format():
    table = Table("T_1", "50 % ± |x|", ["a", "b"], ["group", [Cell("x|y & <z>"), Cell("1", True, 1)]], ["why_"])
    assert r"| x\|y & <z> | **1**<sup>1</sup> |" in markdown(table)
    assert r"x|y \& $<$z$>$ & \textbf{1}\textsuperscript{1} \\" in latex(table)
    assert r"50 \% $\pm$" in latex(table)
    assert '<td class="words">x|y &amp; &lt;z&gt;</td><td><b>1</b><sup>1</sup></td>' in html(table)
    assert rst_escape("a*b_c") == r"a\*b\_c"


@pytest.mark.parametrize("columns", [2, 8, 9])
def test_footnotes_have_the_numbers_of_their_cells_and_wide_tables_fit_the_line(columns):
    table = Table("T", "", ["c"] * columns, [[Cell("x")] * (columns - 2) + [Cell("1", note=2), Cell("2", note=1)]])
    assert (table.note("first"), table.note("second"), table.note("first"), table.note("")) == (1, 2, 1, 0)
    made = latex(table)
    assert r"1\textsuperscript{2} & 2\textsuperscript{1} \\" in made
    assert r"\footnotesize\textsuperscript{1} first" in made
    assert r"\footnotesize\textsuperscript{2} second" in made
    assert ("resizebox" in made) == (columns > 8)
    assert made.count("{") == made.count("}")
    assert "<sup>1</sup> first" in markdown(table)
    assert "<sup>2</sup> second" in html(table)


def test_words_begin_at_the_left_and_numbers_end_at_the_right():
    rows = [
        [Cell("a"), Cell("Good"), Cell("0.5"), Cell("n/a")],
        "group",
        [Cell("b"), Cell(""), Cell("−1"), Cell("3 %")],
    ]
    table = Table("T", "", ["m", "level", "x", "y"], rows)
    assert table.words == [True, True, False, False]
    assert "|---|---|---:|---:|" in markdown(table)
    assert r"\begin{tabular}{llrr}" in latex(table)
    assert html(table).count('class="words"') == 6  # two headings, four cells


def test_numbers_are_printed_with_digits_sign_and_infinity():
    assert [number(v, 2) for v in (1.005, -0.5, np.inf, np.nan)] == ["1.00", "−0.50", "∞", ""]
    assert [number(v, 2, sign=True) for v in (-0.001, 0.001, -0.006)] == ["+0.00", "+0.00", "−0.01"]
    assert number(-0.4, 0) == "0"
    assert number(0.25, 1, sign=True) == "+0.2"


def test_published_values_keep_their_digits():
    published = Published()
    assert published.value("openneuro", "ours", "ssim") == "0.8153"
    assert published.value("brats_t1", "wdsr", "ssim") == "0.90"
    assert published.value("oasis", "linear", "ssim") == ""
    assert "0.07" in published.flag("openneuro", "ours", "psnr")
    assert published.flag("atlas", "ours", "psnr") == ""
    assert patients("openneuro") == (85, 3)
    assert patients("mine") is None
    assert len(read("samplers")) == 24
    # Sums of the columns as the article prints them.
    sums = (
        published.scores.reset_index().groupby("cohort")[["ssim", "psnr", "lpips"]].agg(lambda c: sum(map(Decimal, c)))
    )
    assert {cohort: list(map(str, row)) for cohort, *row in sums.itertuples()} == {
        "oasis": ["3.614", "160.747", "2.139"],
        "atlas": ["3.724", "142.843", "2.149"],
        "openneuro": ["3.8423", "313.594", "1.8502"],
        "brats_t1": ["4.3814", "155.29", "1.51"],
        "brats_t2": ["4.31", "146.89", "1.30"],
        "brats_flair": ["4.2061", "142.80", "1.49"],
    }
    columns = read("samplers")[["ssim", "psnr", "lpips", "seconds"]]
    assert [str(sum(map(Decimal, columns[c]))) for c in columns] == ["19.1550", "739.4923", "1.4665", "958.80"]
    assert sum(map(Decimal, read("efficiency")["seconds"])) == Decimal("237.66")
    assert read("cohorts")["cv_patients"].astype(int).sum() == 17 + 31 + 85 + 3 * 27
    assert len(published.scores) == 30
    with pytest.raises(UserError, match=r"nothing\.csv"):
        read("nothing")


def test_cost_table_sums_jobs_by_kind(tmp_path):
    header = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    for name, line in {
        "train/toy/fold1/vq": "10\t0:00:10\t100\t1\t1\t1\t0\t0\t0\t9",
        "train/toy/fold2/vq": "20\t0:00:20\t300\t1\t1\t1\t0\t0\t0\t9",
        "cohort/toy": "0.1\t0:00:00\t-\t-\t-\t-\t-\t-\t-\t-",
    }.items():
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(header + line + "\n")
    frame = jobs(tmp_path)
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in cost_table(frame).rows}
    assert rows == {
        "cohort": ["1", "0.1", "0.1", "0.1", ""],
        "train vq": ["2", "15.0", "20.0", "30.0", "300"],
    }
