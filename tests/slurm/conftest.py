"""A SLURM cluster for each module of tests, and the smoke study to run on it."""

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


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A cluster for the tests of a module, with accounting if the module sets ACCOUNTING."""
    accounting = getattr(request.module, "ACCOUNTING", False)
    reason = why_not(accounting)
    if reason:
        pytest.skip(reason)
    # not under pytest's folder: munge needs a socket in folders that everybody may enter
    with TemporaryDirectory(prefix="slurm-") as folder:
        started = Cluster(Path(folder))
        try:
            started.start(accounting)
            yield started
        finally:
            started.stop()


@pytest.fixture(scope="module")
def study(cluster: Cluster, trunks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("study"), trunks.values())


@pytest.fixture(scope="module")
def prepared(study: Study) -> str:
    """Results with prepared volumes and without trainings, made without the cluster."""
    volumes = [f"trained/volumes/toy/toy0{number}.nii.gz" for number in (1, 2, 3, 4)]
    study.run(*study.options("trained"), "--", *volumes, slurm=False)
    return "trained"
