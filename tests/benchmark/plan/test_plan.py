"""The tables, figures and claims of a study."""

import copy
import sys
from pathlib import Path

import pytest
import yaml

from benchmark.config import check
from benchmark.errors import UserError
from benchmark.plan import Plan
from benchmark.plan.study import LIKE_WITH_LIKE

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def article() -> dict:
    """The article's own study, with the schema's defaults."""
    return check(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))


def with_study(config: dict, **changes) -> dict:
    changed = copy.deepcopy(config)
    changed["study"] |= changes
    return changed


def test_article_study_has_all_tables_and_figures(article):
    plan = Plan(article)
    assert plan.tables.names == [
        "table1",
        "table2",
        "table3",
        "table4",
        "table5",
        "table6",
        "efficiency",
        "significance",
    ]
    assert plan.figures.names == [f"fig{n:02d}" for n in range(1, 27)]
    assert plan.tables.cohorts(4) == ["brats_t1", "brats_t2", "brats_flair"]
    assert plan.tables.stands_for(4) == []
    assert (plan.figures.cohort("fig24"), plan.figures.methods("fig24")) == ("brats_t2", ["ours"])
    assert plan.figures.methods("fig07") == ["ours", "baseline_edsr"]
    assert "oracle_si" not in plan.figures.methods("fig18")
    assert plan.survey.methods[0] == "ours"
    assert "linear" not in plan.survey.methods


def test_compared_pairs_use_the_same_networks(article):
    """Both methods sharpened by EDSR, or neither: in the study's pair, and in the tested claims."""
    networks = {name: method["networks"] for name, method in article["methods"].items()}
    assert Plan(article).study.pair == ["ours", "baseline_edsr"]
    assert Plan(with_study(article, methods=["linear", "ours_no_edsr", "baseline"])).study.pair == [
        "ours_no_edsr",
        "baseline",
    ]
    for first, second in LIKE_WITH_LIKE:
        assert networks[first] == networks[second]
        assert (first, second) in Plan(article).study.claims


def test_features_that_a_method_was_trained_with_are_listed(article):
    features = {m: Plan(article).study.features(m) for m in ("quartet_views", "srgan", "ours", "linear", "wdsr")}
    assert features == {"quartet_views": ["alex"], "srgan": ["vgg"], "ours": ["vgg"], "linear": [], "wdsr": []}
    apart = copy.deepcopy(article)
    apart["networks"]["quartet"]["training"]["perceptual_net"] = "vgg"
    assert Plan(apart).study.features("quartet_views") == ["vgg"]
    apart["networks"]["quartet"]["training"]["perceptual_net"] = "squeeze"
    with pytest.raises(UserError, match="perceptual_net: 'squeeze' is not one of"):
        check(apart)


def test_sampler_table_states_its_cohorts_and_sharpening(article):
    where = Plan(article).samplers.where
    assert where.startswith(
        "BraTS 2021 T1, BraTS 2021 T2, BraTS 2021 FLAIR, SR with SI (ours) (one EDSR sharpens every row"
    )
    assert "by DDIM, T = 50, η = 1" in where
    plain = Plan(with_study(article, methods=["ours_no_edsr"])).samplers.where
    assert plain.endswith("SR with SI (ours, no EDSR)")
    assert Plan(with_study(article, methods=["linear"])).samplers.where == ""
    unset = copy.deepcopy(article)
    del unset["networks"]["edsr"]["training"]["sampling_steps"]
    with pytest.raises(UserError, match="sampling_steps is missing"):
        Plan(unset).samplers.where  # noqa: B018


def test_table_6_has_the_published_rows_and_our_own(article):
    settings = Plan(article).samplers.settings
    assert len([s for s in settings if s[0] in ("ddim", "plms") and s[1] != 167]) == 24
    assert len([s for s in settings if s[1] == 167]) == 6  # the article's T = 150
    assert ("ddim", 200, "0.25") in settings
    assert ("plms", 250, "none") in settings
    assert [s for s in settings if s[0] == "dpm++"]


def test_study_of_one_cohort_has_only_its_tables_and_figures(article):
    plan = Plan(with_study(article, cohorts=["oasis"]))
    assert plan.tables.names == ["table1", "significance"]
    assert plan.figures.names == [f"fig{n:02d}" for n in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13)]
    assert plan.tables.cohorts(4) == []


def test_stand_in_cohort_makes_each_table_and_figure_once(article):
    plan = Plan(with_study(article, cohorts=["sample"], stand_in="sample"))
    assert plan.tables.same(1) == [1, 2, 3, 4]
    assert plan.tables.names == ["table1", "table5", "table6", "efficiency", "significance"]
    assert sorted(name for names in plan.figures.drawn.values() for name in names) == Plan(article).figures.names
    assert plan.figures.drawn["fig05"] == ["fig05", "fig06"]
    assert plan.figures.drawn["fig11"] == [
        "fig11",
        "fig16",
        "fig21",
        "fig24",
    ]  # of two patients the third is the first again
    assert plan.figures.drawn["fig18"] == ["fig18", "fig22", "fig25"]
    assert plan.figures.title("fig05") == "Figures 5, 6: scores along the slices"
    pair = "“SR with SI (ours)” above “SR with SI (baseline, with EDSR)”"
    assert plan.figures.title("fig08") == f"Figures 8, 15: 6 new slices between two, {pair}"
    assert (plan.tables.cohorts(3), plan.tables.stands_for(1)) == (["sample"], [1, 2, 3, 4])
    assert plan.figures.scene("fig19")["stand_in"]
    assert plan.samplers.settings == Plan(article).samplers.settings
    without = with_study(article, cohorts=["sample"], stand_in="sample") | {
        "samplers": article["samplers"] | {"cohorts": []}
    }
    assert set(plan.tables.names) - set(Plan(without).tables.names) == {"table6"}


def test_article_study_has_no_duplicate_tables_or_figures(article):
    plan = Plan(article)
    assert all(same == [name] for name, same in plan.figures.drawn.items())
    assert [plan.tables.same(n) for n in (1, 2, 3, 4)] == [[1], [2], [3], [4]]
    assert plan.figures.title("fig26") == "Figure 26: 10 new slices between two"


def test_figures_have_the_articles_numbers_of_new_slices(article):
    """Their "n = 11", "n = 5" and "n = 3" are factors: fig. 26 has 12 panels."""
    assert [article["figures"][f"fig{n}"]["n"] for n in (23, 24, 25, 26)] == [10, 4, 2, 10]
    assert [article["figures"][f"fig{n}"]["n"] for n in (18, 22)] == [2, 2]


def test_figures_of_interpolation_state_whether_networks_are_alike(article):
    plan = Plan(article)
    networks = [article["methods"][method]["networks"] for method in plan.study.pair]
    assert networks[0] == networks[1]
    assert (plan.figures.scene("fig07")["alike"], plan.figures.scene("fig07")["unlike"]) == (True, [])
    unlike = Plan(with_study(article, methods=["ours", "baseline", "linear"])).figures.scene("fig07")
    assert (unlike["alike"], unlike["unlike"]) == (False, ["EDSR"])
    variants = Plan(with_study(article, methods=["wdsr", "quartet_psnr", "linear"])).figures.scene("fig07")
    assert variants["unlike"] == ["Quartet (quartet_psnr)", "WDSR"]
    controls = Plan(with_study(article, methods=["linear", "copy"])).figures.scene("fig07")
    assert (controls["unlike"], controls["fold"], unlike["fold"]) == ([], 0, 1)


def test_showcase_has_a_separate_cohort_and_comes_first(article):
    config = with_study(article, cohorts=["sample"], stand_in="sample")
    config["figures"]["fig00"] = {"draw": "showcase", "cohort": "oasis", "n": 1, "patient": 1, "region": 1}
    config["figures"]["fig99"] = {"draw": "thick", "cohort": "oasis", "n": 1, "patient": 1, "region": 1}
    plan = Plan(config)
    assert plan.figures.names[:3] == ["fig00", "fig99", "fig01"]
    assert (plan.figures.opening, Plan(article).figures.opening) == (["fig00", "fig99"], [])
    assert (plan.figures.cohort("fig00"), plan.figures.scene("fig00")["stand_in"]) == ("oasis", False)
    assert plan.figures.title("fig00") == "A real scan at full size"


def test_figures_of_methods_show_the_five_of_the_article(article):
    plan = Plan(article)
    assert plan.figures.methods("fig18") == [*plan.study.pair, "bicubic_ae", "srgan", "wdsr"]
    assert set(plan.figures.scene("fig05")["coloured"]) == {*plan.study.article, "linear"}
    assert "quartet_views" in plan.figures.methods("fig05")  # faint


def test_study_of_controls_needs_no_network(article):
    controls = ["copy", "linear", "truth"]
    plan = Plan(with_study(article, cohorts=["sample"], stand_in="sample", methods=controls))
    assert plan.study.pair == ["copy", "linear"]
    assert (plan.samplers.method, plan.samplers.cohorts, plan.samplers.efficiency_cohort) == (None, [], [])
    assert "fig04" not in plan.figures.names
    assert plan.figures.lacks("fig04") == "its methods ours_no_edsr, ours are not in study.methods"
    assert sum(map(len, plan.figures.drawn.values())) == len(Plan(article).figures.names) - 1
    assert "table6" not in plan.tables.names
    assert plan.study.claims == [("copy", "linear")]
    assert plan.survey.methods == ["copy", "linear"]


def test_each_gap_is_planned_once_for_the_methods_that_show_it(article):
    plan = Plan(article)
    n = [spec["n"] for spec in plan.gaps("oasis", "ours")]
    assert n == [6, 6, 6, 10, 4, 8]
    assert {spec["n"] for spec in plan.gaps("oasis", "baseline_edsr")} == {6}
    assert plan.gaps("oasis", "linear") == []
    # ATLAS: the survey's ten slices are those of figure 17 for ours, and a separate gap for the others
    assert [spec["n"] for spec in plan.gaps("atlas", "srgan")] == [2, 10]  # figure 18 and the survey
    assert [spec["n"] for spec in plan.gaps("atlas", "ours")].count(10) == 1
    assert plan.gaps("brats_t2", "srgan") == [{"patient": 1, "region": 1, "n": 2}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"study": {"stand_in": "sample"}}, "stand_in: 'sample' is not one of study.cohorts"),
        ({"figures": {"fig5": {"draw": "scores"}}}, "'fig5' must be fig and two digits"),
        ({"figures": {"fig18": {"draw": "compare", "n": 2}}}, "fig18: cohort is missing"),
        (
            {"figures": {"fig07": {"draw": "source", "cohort": "oasis", "methods": ["nobody"]}}},
            "'nobody' is not defined",
        ),
    ],
)
def test_contradictory_study_is_refused_in_one_line(article, change, words):
    config = copy.deepcopy(article)
    for key, value in change.items():
        config[key] |= value
    with pytest.raises(UserError, match=words):
        Plan(config)


def test_planning_imports_no_slow_package():
    """Rules are parsed by every job of a cluster."""
    import subprocess

    code = "import sys, benchmark.plan; print(sorted(set(sys.modules) & {'pandas', 'numpy', 'matplotlib', 'torch'}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "workflow", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_viewer_shows_a_cohort_of_the_study_or_none(article):
    assert Plan(article).viewer.cohort == ["oasis"]
    about = Plan(article).viewer.about
    assert about["always"] == ["linear", "ours"]
    assert "truth" not in about["labels"]
    assert Plan(with_study(article, cohorts=["atlas"])).viewer.cohort == []
    assert Plan(with_study(article, cohorts=["atlas"], stand_in="atlas")).viewer.cohort == ["atlas"]
    assert Plan(article | {"viewer": {"cohort": None, "patient": 1}}).viewer.cohort == []
    assert Plan(with_study(article, methods=["spline"])).viewer.about["always"] == ["spline"]


def test_captions_know_a_cohorts_own_frame(article):
    changed = copy.deepcopy(article)
    changed["cohorts"]["atlas"]["preprocess"] = {"size": 128, "shrink": 2}
    frames = Plan(changed).study.frame(["oasis", "atlas"])["cohorts"]
    assert (frames["oasis"]["size"], frames["oasis"]["shrink"]) == (256, 1)
    assert (frames["atlas"]["size"], frames["atlas"]["shrink"]) == (128, 2)
