"""The tables, figures and pages of this study, and their input files."""

from benchmark.plan import Plan
from benchmark.plan.tables import compared_in_plane

try:
    PLAN = Plan(config)
except UserError as error:
    raise WorkflowError(str(error)) from None

# Names, in the gallery and the report, of the figures that are not in the article.
SIGNIFICANCE = "Significance: which method is better"
SAMPLERS_SHOWN = "Samplers: scores by number of evaluations"
COHORTS_SHOWN = "Cohorts: one slice of each"

PAPER = str(shipped("config/paper"))


def sheets(cohorts):
    return [f"{RESULTS}/cohorts/{cohort}.tsv" for cohort in cohorts]


def table_cohorts(wildcards):
    """Cohorts of one of the tables 1–4; one clear line if there are none."""
    cohorts = PLAN.tables.cohorts(wildcards.table)
    if not cohorts:
        raise WorkflowError(
            f"table {wildcards.table}: this study has no cohort for this table; add a cohort to study.cohorts, or set study.stand_in to a cohort"
        )
    return cohorts


def one_of(names):
    """A wildcard's constraint: one of these names."""
    return "|".join(sorted(names)) or "none"


def figure_fold(method):
    """The fold of the networks in figures."""
    return folds_of(method)[0]


def figure_input(wildcards):
    """The input files of a figure, depending on its `draw`."""
    cohort = PLAN.figures.cohort(wildcards.figure)
    shown = PLAN.figures.methods(wildcards.figure)
    at = {m: f"{cohort}/fold{figure_fold(m)}/{m}" for m in shown}
    files = {"detail": f"{RESULTS}/detail/{cohort}.tsv"}
    files["volumes"] = volumes(cohort, tested(cohort))
    if PLAN.figures.draws_gaps(wildcards.figure):
        files["gaps"] = [f"{RESULTS}/gaps/{cohort}/{method}" for method in shown]
    drawn = config["figures"][wildcards.figure]["draw"]
    if drawn in ("sharpened", "showcase"):
        files["restored"] = [f"{RESULTS}/restored/{at[method]}" for method in shown]
    if drawn in ("scores", "showcase"):
        files["scores"] = [f"{RESULTS}/scores/{at[method]}.csv" for method in shown]
    return files


def timed_patients(wildcards):
    """Patients for the measurements of samplers: test patients, or, without test patients, those held out in fold 1."""
    rows = cohort_sheet(wildcards.cohort)
    subjects = sheet.test(rows) or sheet.validation(rows, 1)
    return subjects[: config["samplers"].get("patients", len(subjects))]


def returned_forms():
    """The survey's answers, if the config names their folder, without the files ``._x.csv`` that a Mac adds."""
    folder = config["survey"]["answers"]
    paths = Path(folder).glob("*.csv") if folder else []
    return sorted(str(path) for path in paths if not path.name.startswith("."))


# Networks of the study that are compared in plane, and the networks that these need.
COMPARED = compared_in_plane(config)
