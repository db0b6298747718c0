"""Settings, sheets, forms, archives and servers that are damaged, odd or hostile: read, or refused in one line."""

import copy
import csv
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import yaml
from fuzz import assert_valid_or_refused, fuzz
from fuzz_texts import ODD, edited, files
from hypothesis import given
from hypothesis import strategies as st

from benchmark.acquire.archives import Archive
from benchmark.acquire.openssl import open_encrypted
from benchmark.cluster.site import SITE, site
from benchmark.cohort.sheet import Patient, read_sheet, write_sheet
from benchmark.config import CONFIG, load_config
from benchmark.datasets import reader
from benchmark.datasets.layouts import encrypt, tar
from benchmark.datasets.openneuro import MANIFEST
from benchmark.survey.kit import QUESTIONS, checksum, read_answers, write_key

SMOKE = (CONFIG.parent / "smoke.yaml").read_text()
MEMBERS = {"a/one.img": bytes(range(256)) * 30, "a/two.txt": b"two", "b/one.img": b"\0" * 5000}


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """The path of every value in a config."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, part in inside for one in places(part, (*path, key)))]


PLACES = places(yaml.safe_load(SMOKE)) + places(yaml.safe_load(CONFIG.read_text()))


@st.composite
def odd_config(draw: st.DrawFn) -> bytes:
    """An overlay in which one value of a config is another."""
    value = draw(ODD)
    for key in reversed(draw(st.sampled_from(PLACES))):
        value = [copy.copy(value)] * (key % 3 + 1) if isinstance(key, int) else {key: value}
    return yaml.dump(value, allow_unicode=draw(st.booleans())).encode("utf-8", "surrogatepass")


@fuzz(examples=40)
@given(content=st.one_of(odd_config(), odd_config(), files(SMOKE)))
def test_config_is_read_or_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    assert_valid_or_refused("config", lambda: load_config(path), path)


@fuzz(examples=60)
@given(
    content=st.one_of(
        files(SITE.read_text()),
        st.dictionaries(st.sampled_from(["account", "longest", "jobs", "retries", "gpu_speed", "x"]), ODD).map(
            lambda values: yaml.dump(values, allow_unicode=True).encode("utf-8", "surrogatepass")
        ),
    )
)
def test_site_file_is_read_or_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(content)

    def call() -> None:
        found = site(path)
        assert 1 <= found.limit(60, 1) <= max(1, found.longest * 60)

    assert_valid_or_refused("site file", call, path)


@fuzz(examples=80)
@given(data=st.data())
def test_cohort_sheet_is_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "toy.tsv"
    rows = [Patient(f"s{i}", f"s{i}.nii.gz", "0" * 64, "3x3x3", "1x1x1", "RAS", "cv", i + 1) for i in range(3)]
    write_sheet(path, rows)
    path.write_bytes(data.draw(files(path.read_text())))

    def call() -> None:
        for row in read_sheet(path):
            assert Path(row.subject).name == row.subject not in ("", ".", "..")
            assert (row.role, row.fold > 0) in (("cv", True), ("test", False))

    assert_valid_or_refused("cohort sheet", call, path)


@fuzz(examples=40)
@given(content=files("".join(MANIFEST.read_text().splitlines(keepends=True)[:4])))
def test_manifest_is_read_or_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "manifest.tsv"
    path.write_bytes(content)
    assert_valid_or_refused("manifest", lambda: reader("openneuro", tmp_path, manifest=path).subjects(), path)


@fuzz(examples=80)
@given(data=st.data())
def test_survey_is_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    key, form = tmp_path / "survey.key.csv", tmp_path / "survey.csv"
    write_key(key, {"AAAA": "ours", "BBBB": "linear"}, "0123abcd")
    rows = [[code, question, "Good"] for code in ("AAAA", "BBBB") for question in QUESTIONS]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["kit", "rater", "sequence", "question", "level", "check"])
    writer.writerows(["0123abcd", "Á", *row, checksum("0123abcd", "Á", rows)] for row in rows)
    form.write_text(text.getvalue())
    changed = data.draw(st.sampled_from([key, form, form]))
    changed.write_bytes(data.draw(files(changed.read_text())))

    def call() -> None:
        answers = read_answers([form], key)
        assert set(answers["level"]) <= {"Very Bad", "Bad", "Good", "Very Good"}

    assert_valid_or_refused("survey", call, "survey")


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def packed(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as archive:
        for name, content in {**MEMBERS, "é" * 200: b"long"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


ARCHIVES = [
    *(packed(mode) for mode in ("w:", "w:", "w:gz", "w:bz2", "w:xz")),
    *(zipped(MEMBERS, method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)),
    zipped({"all.tar.gz": packed("w:gz")}),
]


def unpack_and_check(path: Path, **options: Any) -> None:
    """Extracts all images of an archive next to it and looks at where they are."""
    archive, out = Archive(path, 1 << 30, **options), path.parent / "out"
    sizes, _ = archive.listing(lambda name: name.endswith(".img"), path.parent / f"{path.name}.json")
    wanted = {name: out / f"{number}.img" for number, name in enumerate(sizes)}
    archive.extract(wanted)
    assert {file: file.stat().st_size for file in wanted.values()} == {wanted[name]: sizes[name] for name in sizes}


@fuzz(examples=200)
@given(content=st.sampled_from(ARCHIVES).flatmap(edited))
def test_archive_is_unpacked_or_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scans.archive"
    for old in tmp_path.rglob("*.*"):
        old.unlink()
    path.write_bytes(content)
    assert_valid_or_refused("archive", lambda: unpack_and_check(path), path, output_folder=tmp_path / "out")


@fuzz(examples=40)
@given(content=st.sampled_from([encrypt(tar(MEMBERS), "toy", digest) for digest in ("md5", "sha256")]).flatmap(edited))
def test_encrypted_archive_is_unpacked_or_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scans.archive"
    for old in tmp_path.rglob("*.*"):
        old.unlink()
    path.write_bytes(content)
    assert_valid_or_refused(
        "encrypted archive", lambda: unpack_and_check(path, opener=lambda one: open_encrypted(one, "toy")), path
    )


@fuzz(examples=60)
@given(
    content=files(json.dumps({"archive": [1, 2], "members": {"a/one.img": 7680, "b/one.img": 5000}})),
    kept=st.booleans(),
)
def test_archive_listing_is_read_or_refused(content: bytes, kept: bool, tmp_path: Path) -> None:
    path = tmp_path / "scans.archive"
    path.write_bytes(tar(MEMBERS))
    (tmp_path / "scans.archive.json").write_bytes(content)
    if not kept:
        path.unlink()
    assert_valid_or_refused("listing", lambda: unpack_and_check(path), path.name)
