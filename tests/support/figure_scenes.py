"""Scenes of two phantoms, for tests of figures."""

from benchmark.figures.scene import Scene

LABELS = {"ours": "ours", "baseline": "baseline", "linear": "a name that is long enough for two lines"}


class Linear:
    """Replaces ``benchmark.jobs.restoration.Restoration`` by the linear control."""

    def build(self, subject: str):
        from models.method import method

        return method("linear")


SPEC = {"patient": 1, "region": 1, "n": 1}


def scene(cohort: dict, spec: dict, methods: list[str], **changes) -> Scene:
    """A scene of the phantoms: ``spec`` is a figure's line in the config."""
    about = {
        "figure": "fig05",
        "spec": SPEC | spec,
        "cohort": "phantom T1",
        "pair": ["ours", "baseline"],
        "alike": True,
        "unlike": [],
        "methods": methods,
        "coloured": methods[:2],
        "learned": ["ours"],
        "labels": LABELS,
        "fold": int(bool(methods)),
        "folds": 2,
        "stand_in": False,
        "same": ["fig05"],
    }
    return Scene(**about | changes, files=cohort)
