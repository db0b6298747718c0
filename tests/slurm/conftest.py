"""A SLURM cluster for the session, and the smoke study to run on it."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from smoke_study import Study
from virtual_cluster import Cluster, why_not


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "slurm" not in config.option.markexpr:
        skipped = pytest.mark.skip(reason="starts a SLURM cluster: make slurm-test")
        for item in items:
            if "slurm" in item.keywords:
                item.add_marker(skipped)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    reason = why_not()
    if reason:
        pytest.skip(reason)
    # not under pytest's folder: munge wants a way to its socket that everybody may go
    with TemporaryDirectory(prefix="slurm-") as folder:
        started = Cluster(Path(folder))
        try:
            started.start()
            yield started
        finally:
            started.stop()


@pytest.fixture(scope="session")
def study(cluster: Cluster, trunks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def prepared(study: Study) -> str:
    """Results in which volumes are prepared and no training is done yet, made without the cluster."""
    study.run(*study.options("trained"), "--until", "preprocess", "protocol", slurm=False)
    return "trained"
