"""Archives as streams: valid archives, and archives that would do harm."""

import gzip
import io
import json
import lzma
import os
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmark.acquire import archives, tar_headers
from benchmark.acquire.archives import Archive
from benchmark.datasets.layouts import tar
from benchmark.errors import UserError

NOISE = np.random.default_rng(1).bytes(300_000)
MEMBERS = {"a/one.img": NOISE, "a/two.txt": b"two", "b/one.img": NOISE[::-1]}


def packed(kind: str) -> bytes:
    plain = tar(MEMBERS)
    if kind == "tar":
        return plain
    if kind == "gz":
        return gzip.compress(plain)
    if kind == "xz":
        return lzma.compress(plain)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "tar in zip":
            archive.writestr("all.tar", plain)
        else:
            for name, content in MEMBERS.items():
                archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def make_archive(tmp_path: Path):
    def make_archive(content: bytes, limit: int = 1 << 30, **options: object) -> Archive:
        path = tmp_path / "archive"
        path.write_bytes(content)
        return Archive(path, limit, **options)

    return make_archive


def is_image(name: str) -> bool:
    return name.endswith(".img")


def test_web_page_under_the_name_of_an_archive_is_named(make_archive) -> None:
    with pytest.raises(UserError, match=r"archive: a web page, not the file itself; download the file$"):
        list(make_archive(b"<!DOCTYPE html><title>Sign in</title>").entries(is_image))


@pytest.mark.parametrize("kind", ["tar", "gz", "xz", "zip", "tar in zip"])
def test_only_chosen_members_are_extracted(make_archive, tmp_path: Path, kind: str) -> None:
    archive = make_archive(packed(kind))
    found, news = archive.listing(is_image, tmp_path / "cache.json")
    assert (found, news) == ({"a/one.img": 300_000, "b/one.img": 300_000}, True)
    archive.extract({"b/one.img": tmp_path / "out" / "b/one.img"})
    assert [p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*")] == ["b/one.img"]
    assert (tmp_path / "out/b/one.img").read_bytes() == NOISE[::-1]


def test_listing_is_cached_until_the_archive_changes(make_archive, tmp_path: Path) -> None:
    archive = make_archive(packed("gz"))
    cache = tmp_path / "cache.json"
    archive.listing(is_image, cache)
    assert archive.listing(is_image, cache)[1] is False
    os.utime(archive.path, (1, 1))
    assert archive.listing(is_image, cache)[1] is True
    archive.path.unlink()
    assert archive.listing(is_image, cache) == (json.loads(cache.read_text())["members"], False)


def hostile(name: str = "a/one.img", kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        info.size = 4 if kind == tarfile.REGTYPE else 0
        archive.addfile(info, io.BytesIO(b"evil"))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["../evil.img", "a/../../evil.img", "/tmp/evil.img", "a\\..\\evil.img", "C:evil.img"])
def test_member_path_outside_the_folder_is_refused(make_archive, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"archive: refused: its member .*evil\.img' points outside its folder"):
        make_archive(hostile(name)).listing(is_image, tmp_path / "cache.json")
    assert {path.name for path in tmp_path.iterdir()} == {"archive"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_chosen_link_or_device_is_refused(make_archive, tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(UserError, match=r"refused: its member .a/one\.img. is a link or a device"):
        make_archive(hostile(kind=kind, target="/etc/passwd")).listing(is_image, tmp_path / "cache.json")


def test_zip_member_outside_the_folder_or_link_is_refused(make_archive, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../evil.img", b"evil")
    with pytest.raises(UserError, match="points outside"):
        make_archive(buffer.getvalue()).listing(is_image, tmp_path / "cache.json")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a/one.img")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UserError, match="is a link"):
        make_archive(buffer.getvalue()).listing(is_image, tmp_path / "cache.json")


@pytest.mark.parametrize("chosen", ["zeros.img", "zeros.bin"])
def test_decompression_bomb_is_refused_for_chosen_and_other_members(make_archive, tmp_path: Path, chosen: str) -> None:
    bomb = gzip.compress(tar({chosen: bytes(100 << 20)}))  # 100 MiB of zeros in 100 kB
    with pytest.raises(UserError, match=r"refused: unpacks to more than 0\.0168 GB, far more than the dataset can be"):
        make_archive(bomb).listing(is_image, tmp_path / "cache.json")


def test_decompression_limit_is_the_size_of_the_dataset(make_archive, tmp_path: Path) -> None:
    big = gzip.compress(tar({f"{i}.img": NOISE for i in range(20)}))  # honest compression, but far too much
    with pytest.raises(UserError, match="refused: unpacks to more than"):
        make_archive(big, limit=60_000).listing(is_image, tmp_path / "cache.json")


def test_zip_bomb_is_refused_without_a_file(make_archive, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.img", bytes(100 << 20))
    with pytest.raises(UserError, match="refused: unpacks"):
        make_archive(buffer.getvalue()).extract({"a/one.img": tmp_path / "out/one.img"})
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("kind", ["gz", "xz", "zip"])
def test_damaged_archive_is_refused_without_a_file(make_archive, tmp_path: Path, kind: str) -> None:
    content = bytearray(packed(kind))
    content[len(content) // 2] ^= 1
    archive = make_archive(bytes(content))
    with pytest.raises(UserError, match=r"archive: damaged or not an archive .*; replace it by a complete copy"):
        archive.extract({name: tmp_path / "out" / name for name in MEMBERS})
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert archive.path.exists()


@pytest.mark.parametrize("kind", ["tar", "gz", "zip"])
def test_truncated_archive_is_refused_without_a_file(make_archive, tmp_path: Path, kind: str) -> None:
    content = packed(kind)
    with pytest.raises(UserError, match="damaged or not an archive"):
        make_archive(content[: len(content) // 2]).extract({name: tmp_path / "out" / name for name in MEMBERS})
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_damaged_download_is_renamed(make_archive, tmp_path: Path) -> None:
    archive = make_archive(b"<html>please log in</html>" * 100, provide=lambda: None)
    with pytest.raises(UserError, match=r"damaged or not an archive .*renamed to .*archive\.wrong; start again"):
        archive.listing(is_image, tmp_path / "cache.json")
    assert not archive.path.exists()


def test_missing_archive_is_provided(make_archive, tmp_path: Path) -> None:
    path = tmp_path / "later"
    archive = Archive(path, 1 << 30, provide=lambda: path.write_bytes(packed("gz")))
    assert archive.listing(is_image, tmp_path / "cache.json")[1]


def test_disk_space_is_checked_before_extraction(make_archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_archive(packed("gz"))
    archive.listing(is_image, tmp_path / "cache.json")
    asked = []
    monkeypatch.setattr(archives, "need_space", lambda folder, size: asked.append(size))
    archive.extract({"a/one.img": tmp_path / "one.img"})
    assert asked == [300_000]


def test_missing_member_is_refused_by_name(make_archive, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no three\.img in it any more"):
        make_archive(packed("tar")).extract({"a/one.img": tmp_path / "one.img", "a/three.img": tmp_path / "three.img"})
    assert not (tmp_path / "one.img").exists()


def header(kind: bytes, size: int, name: str = "a/one.img") -> bytes:
    """A tar header with a right checksum and any size, in base 256."""
    info = tarfile.TarInfo(name)
    info.type = kind
    raw = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    raw[124:136] = b"\x80" + size.to_bytes(11, "big") if size >= 0 else size.to_bytes(12, "big", signed=True)
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def pax(*records: str) -> bytes:
    """An extended header of ``key=value`` records."""
    body = b""
    for record in records:
        length = len(record) + 2
        while length != len(str(length)) + len(record) + 2:
            length = len(str(length)) + len(record) + 2
        body += f"{length} {record}\n".encode()
    return header(tarfile.XHDTYPE, len(body), "pax") + body + bytes(-len(body) % 512)


END = bytes(1024)
ONE = header(tarfile.REGTYPE, 4) + b"data" + bytes(508)
DIGITS = header(tarfile.XHDTYPE, 32 << 10, "pax") + b"1" * (32 << 10)
LONG_NAME = header(tarfile.GNUTYPE_LONGNAME, 2, "././@LongLink") + b"a\0" + bytes(510)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (header(tarfile.REGTYPE, -5) + END, r"a member of -5 bytes"),
        (header(tarfile.REGTYPE, -(2**87)) + END, r"a member of -\d+ bytes"),
        (header(tarfile.REGTYPE, 2**87) + END, r"unpacks to more than 0\.0168 GB"),
        (pax(f"size={2**87}") + ONE + END, r"unpacks to more than 0\.0168 GB"),
        (pax("size=-700") + ONE + END, r"a member of -700 bytes"),
        (header(tarfile.XHDTYPE, 900 << 20, "pax") + END, r"unpacks to more|an extended header of 943718400 bytes"),
        (header(tarfile.XGLTYPE, 1 << 20, "pax") + bytes(1 << 20) + END, r"an extended header of 1048576 bytes"),
        (header(tarfile.GNUTYPE_LONGNAME, 1 << 20) + b"a" * (1 << 20) + ONE + END, r"an extended header of 1048576"),
        (LONG_NAME * 3000 + ONE + END, r"more than 8 extended headers in a row"),
        (pax("comment=x") * 3000 + ONE + END, r"more than 8 extended headers in a row"),
        (header(tarfile.GNUTYPE_SPARSE, 4) + bytes(512) + END, r"a sparse member"),
        (pax("GNU.sparse.major=1", "GNU.sparse.minor=0") + ONE + END, r"a sparse member"),
        (pax("GNU.sparse.map=x") + ONE + END, r"cannot be read"),
        (DIGITS, r"damaged or not an archive"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["bare", "gzip"])
def test_tar_header_with_false_sizes_is_refused_at_once(
    make_archive, tmp_path: Path, content: bytes, said: str, pack
) -> None:
    started = time.thread_time()
    with pytest.raises(UserError, match=said):
        make_archive(pack(content)).listing(is_image, tmp_path / "cache.json")
    assert time.thread_time() - started < 10
    assert {path.name for path in tmp_path.iterdir()} == {"archive"}


def test_long_names_and_attributes_are_read(make_archive, tmp_path: Path) -> None:
    name = "/".join(["folder" * 10] * 20) + "/one.img"
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=kind, pax_headers={"comment": "x" * 20_000}) as archive:
            info = tarfile.TarInfo(name)
            info.size = 4
            archive.addfile(info, io.BytesIO(b"data"))
        found, _ = make_archive(buffer.getvalue()).listing(is_image, tmp_path / f"{kind}.json")
        assert found == {name: 4}


def test_too_many_members_or_too_slow_headers_are_refused(make_archive, tmp_path: Path, monkeypatch) -> None:
    many = tar({f"{i}.img": b"" for i in range(30)})
    monkeypatch.setattr(tar_headers, "MEMBERS", 20)
    with pytest.raises(UserError, match="more than 20 members"):
        make_archive(many).listing(is_image, tmp_path / "cache.json")
    monkeypatch.setattr(tar_headers, "MEMBERS", 31)
    assert len(make_archive(many).listing(is_image, tmp_path / "cache.json")[0]) == 30
    monkeypatch.setattr(tar_headers, "SECONDS", -1.0)
    with pytest.raises(UserError, match="its headers take too long to read"):
        make_archive(many).listing(is_image, tmp_path / "other.json")


def zipped(name: str = "a/one.img", *changes: tuple[int, bytes]) -> bytes:
    """A zip with one member and changed headers: (position in the local header, bytes)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, NOISE)
    content = bytearray(buffer.getvalue())
    directory = content.find(b"PK\1\2")
    for place, new in changes:
        for at in (place, directory + place + 2):
            content[at : at + len(new)] = new
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped("a/one.img", (6, b"\1\0")), r"damaged or not an archive \(File .* is encrypted"),
        (zipped("a/one.img", (8, b"\x63\0")), r"damaged or not an archive \(That compression method is not supported"),
        (zipped(f"{'a' * 300}.img"), "has a name that no file system allows"),
        (tar({f"{'a' * 300}.img": b"x"}), "has a name that no file system allows"),
    ],
)
def test_encrypted_or_unsupported_members_are_refused(make_archive, tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(UserError, match=f"archive: .*{said}"):
        make_archive(content).extract({"a/one.img": tmp_path / "out" / "one.img"})
    assert not list(tmp_path.glob("out/*"))


def test_zip_with_a_too_long_directory_is_refused(make_archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "DIRECTORY", 100_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(2000):
            archive.writestr(f"{number}.img", b"")
    with pytest.raises(UserError, match=r"archive: .*a directory of \d+ bytes, over 100000"):
        list(make_archive(buffer.getvalue()).entries(is_image))


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_archive_that_is_not_a_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "archive"
    os.mkfifo(path) if kind == "fifo" else path.mkdir()
    with pytest.raises(UserError, match=r"archive: (a folder|not a regular file); give an archive"):
        list(Archive(path, 1000).entries(is_image))


def test_unwritable_target_is_refused_by_name(make_archive, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    for path in (tmp_path / "out" / "one.img", tmp_path / "out" / "deep" / "one.img"):
        with pytest.raises(UserError, match=r"out.*: cannot be written"):
            make_archive(packed("tar")).extract({"a/one.img": path})


@pytest.mark.parametrize(
    "cache", ["{", "[]", "{}", '{"members": {"../../x.img": 1}}', '{"members": {"a": -1}}', "[" * 5000, "9" * 5000]
)
def test_broken_listing_cache_is_rebuilt_or_refused(make_archive, tmp_path: Path, cache: str) -> None:
    archive, path = make_archive(packed("tar")), tmp_path / "cache.json"
    path.write_text(cache)
    assert set(archive.listing(is_image, path)[0]) == {"a/one.img", "b/one.img"}
    assert archive.listing(is_image, path)[1] is False
    path.write_text(cache)
    archive.path.unlink()
    with pytest.raises(UserError, match=r"cache\.json: |archive: refused"):
        archive.listing(is_image, path)
