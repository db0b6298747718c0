"""Progress is a bar on a terminal and lines in a log file."""

import io
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmark import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_log_file_gets_one_line_per_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    file = io.StringIO()
    with progress.shown_on(file), progress.bar("scans", 3, "it", begun=1) as bar:
        bar.set_postfix({"loss": "0.5"}, refresh=False)
        bar.update(1)
        bar.update(1)
    text = file.getvalue()
    assert "\r" not in text
    shown = [line.split("[")[0] for line in text.splitlines()]
    assert list(dict.fromkeys(shown)) == ["scans:  33% 1/3 ", "scans:  67% 2/3 ", "scans: 100% 3/3 "]
    assert "loss=0.5]" in text.splitlines()[-1]


def test_lines_in_a_log_file_are_limited_in_rate() -> None:
    file = io.StringIO()
    with progress.shown_on(file), progress.bar("scans", 1000, "it") as bar:
        for _ in range(1000):
            bar.update(1)
    assert len(file.getvalue().splitlines()) == 2  # the first and the last


def test_unknown_total_is_accepted() -> None:
    file = io.StringIO()
    with progress.shown_on(file), progress.bar("scans", None, "B", scaled=True) as bar:
        bar.update(3_000_000)
    assert "3.00M" in file.getvalue()


def test_terminal_gets_a_bar(capsys: pytest.CaptureFixture) -> None:
    file = Terminal()
    with progress.shown_on(file):
        with progress.bar("scans", 1, "it") as bar:
            bar.update(1)
        assert "\rscans: 100%" in file.getvalue()
    with progress.bar("after", 1, "it"):
        pass
    assert "after:   0%" in capsys.readouterr().err


def test_update_from_a_thread_is_written_to_the_same_stream() -> None:
    file = io.StringIO()
    with progress.shown_on(file), progress.bar("scans", 1, "it") as bar, ThreadPoolExecutor() as pool:
        pool.submit(bar.update, 1).result()
    assert "scans: 100%" in file.getvalue()


def test_patient_bar_writes_nothing_about_short_work(monkeypatch: pytest.MonkeyPatch) -> None:
    for pause, lines in ((30.0, 0), (0.01, 2)):
        monkeypatch.setattr(progress, "PAUSE", pause)
        file = io.StringIO()
        with progress.shown_on(file), progress.bar("scan", 2, "slice", patient=True) as bar:
            for _ in range(2):
                time.sleep(0.02)
                bar.update(1)
        assert len(set(file.getvalue().splitlines())) == lines


def test_hidden_bar_writes_nothing() -> None:
    for file in (io.StringIO(), Terminal()):
        with progress.shown_on(file), progress.bar("scan", 2, "slice", hidden=True) as bar:
            bar.update(2)
        assert file.getvalue() == ""


def test_training_progress_is_written_to_stderr(capsys: pytest.CaptureFixture) -> None:
    file = io.StringIO()
    with progress.shown_on(file), progress.bar("vq", 2, "it", logged=True) as bar:
        bar.update(2)
    assert "2/2" in capsys.readouterr().err
    assert not file.getvalue()
