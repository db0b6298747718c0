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
        refuse(
            f"table {wildcards.table}: this study has no cohort for this table; add a cohort to study.cohorts, or set study.stand_in to a cohort"
        )
    return cohorts


def outside(what, cohorts):
    """Reason: the study has none of the cohorts that the config names for a target."""
    return f"{what}: this study has no cohort for it; add {' or '.join(cohorts) or 'cohorts'} to study.cohorts, or set study.stand_in to a cohort"


NO_DIFFUSION = "samplers and times are measured with a diffusion, and no method of study.methods has one; add `ours`"


def sampler_inputs(what, cohorts, settings, files):
    """Measurements of samplers or times with these cohorts and settings of the config; one clear line if there are
    none."""
    if PLAN.samplers.method is None:
        return needed([], NO_DIFFUSION)
    none = f"{what}: the config has no settings to measure"
    return needed(files, outside(what, cohorts) if settings else none)


def sampling_weights(wildcards):
    """The weights of the diffusion method that is measured; one clear line if there is none."""
    if PLAN.samplers.method is None:
        refuse(NO_DIFFUSION)
    return method_weights(wildcards.cohort, 1, PLAN.samplers.method)


def curve_steps(wildcards):
    """The numbers of steps of a line of the curve; one clear line if the config has no such line."""
    line = (wildcards.sampler, wildcards.eta, wildcards.noise)
    if line not in PLAN.samplers.curve:
        refuse(
            f"curve: no line {'_'.join(line)} in samplers.curve; known are {', '.join(map('_'.join, PLAN.samplers.curve)) or 'none'}"
        )
    return PLAN.samplers.curve[line]


def viewed_volumes(wildcards):
    """The test volumes of the viewer's cohort; one clear line for any other cohort."""
    if wildcards.cohort not in PLAN.viewer.cohort:
        refuse(
            f"viewer: this study has no page for {wildcards.cohort}; set viewer: {{cohort: {wildcards.cohort}}} (its cohort needs test patients, the study a method that is no oracle)"
        )
    return test_volumes(wildcards)


def figure_fold(method):
    """The fold of the networks in figures."""
    return folds_of(method)[0]


def figure_input(wildcards):
    """The input files of a figure, depending on its `draw`."""
    if lacking := PLAN.figures.lacks(wildcards.figure):
        refuse(f"{wildcards.figure}: {lacking}")
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
    if not config["cohorts"][wildcards.cohort]["patients"]["test"] and len(FOLDS) < 2:
        refuse(
            f"samplers: {wildcards.cohort} has no test patients, and with study.folds: 1 the networks have seen every other patient; set study.folds to 2 or more"
        )
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
