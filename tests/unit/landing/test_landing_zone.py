"""The landing zone: names from an allow-list, deliveries in one step, a listing of whole files only."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unprivileged import unprivileged

from taxiway.errors import DeliveryRefused, UsageError
from taxiway.landing import LandingZone, read_csv


@pytest.mark.parametrize("name", ["flights-2013-01.csv", "a", "7.csv", "A_b-c.tar.gz"])
def test_good_names(tmp_path: Path, name: str) -> None:
    assert LandingZone(tmp_path).path(name) == tmp_path / name


BAD_NAMES = ["", ".", "..", "*.csv", "a?.csv", "../x.csv", "a/b.csv", "a\\b", ".hidden", "-x", "a..b", "a.", "ä.csv"]


@pytest.mark.parametrize("name", [*BAD_NAMES, "a b", "a\n", "a\0", "a'b", "a;b", "a%2e", "x" * 201])
def test_bad_names(tmp_path: Path, name: str) -> None:
    zone = LandingZone(tmp_path)
    for use in (zone.path, zone.digest, lambda name: zone.deliver(name, b"x")):
        with pytest.raises(UsageError, match="cannot be the name of a delivered file"):
            use(name)
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=20))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    root = Path("/landing")
    try:
        path = LandingZone(root).path(name)
    except UsageError:
        return
    assert Path(os.path.normpath(path)).parent == root
    assert not set(name) & set("*?[]{}'\"\\/ ")


def test_deliver_and_list(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path / "not" / "there")
    assert zone.files() == ()
    assert zone.deliver("b.csv", b"one") is True
    assert zone.deliver("a.csv", b"") is True
    (zone.root / ".a.csv.1234abcd").write_bytes(b"in progress")
    (zone.root / "*.csv").write_bytes(b"not a name")
    (zone.root / "folder").mkdir()
    listed = zone.files()
    assert [(delivery.name, delivery.size) for delivery in listed] == [("a.csv", 0), ("b.csv", 3)]
    assert listed[1].modified_ns == (zone.root / "b.csv").stat().st_mtime_ns


def test_equal_content_is_left_alone(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    zone.deliver("a.csv", b"one")
    os.utime(zone.path("a.csv"), ns=(5, 5))
    assert zone.deliver("a.csv", b"one") is False
    assert zone.files()[0].modified_ns == 5
    assert zone.deliver("a.csv", b"two") is True
    assert zone.path("a.csv").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_digest(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    zone.deliver("a.csv", b"one")
    assert zone.digest("a.csv") == hashlib.sha256(b"one").hexdigest()
    with pytest.raises(DeliveryRefused, match=r"b\.csv has not been delivered"):
        zone.digest("b.csv")


def test_a_reader_sees_one_content_or_the_other(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    contents = [bytes([letter]) * 300_000 for letter in b"abcd"]
    zone.deliver("a.csv", contents[0])
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(zone.deliver, "a.csv", contents[turn % 4]) for turn in range(60)]
        seen = {zone.path("a.csv").read_bytes() for _ in range(200)}
        assert all(isinstance(writer.result(), bool) for writer in writers)
    assert seen <= set(contents)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_failed_delivery_leaves_nothing_behind(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DeliveryRefused, match=r"a\.csv is a folder: remove it from .*, and deliver a file"):
        zone.deliver("a.csv", b"one")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DeliveryRefused, match=r"a\.csv cannot be put into .*: make the folder writable"):
        LandingZone(tmp_path / "file" / "landing").deliver("a.csv", b"one")


def test_what_lies_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    assert LandingZone(tmp_path / "not there").blocked() == {}
    zone.deliver("good.csv", b"one")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / ".hidden").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "lost.csv").symlink_to(tmp_path / "nowhere")
    kinds = {"folder.csv": "a folder", "lost.csv": "a link to nowhere", "pipe.csv": "no regular file"}
    assert zone.blocked() == {
        name: f"{name} is {kind}: remove it from {tmp_path}, and deliver a file of that name"
        for name, kind in kinds.items()
    }
    for name in kinds:
        with pytest.raises(DeliveryRefused, match=f"^{name} is "):
            zone.digest(name)
        with pytest.raises(DeliveryRefused, match=f"^{name} is "):
            read_csv(zone.path(name), ["a"])
        assert zone.find(name) is None
    assert [file.name for file in zone.files()] == ["good.csv"]


def test_a_file_without_rights_to_read_it_is_told(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    zone.deliver("a.csv", b"one")
    zone.path("a.csv").chmod(0)
    with unprivileged(tmp_path):
        assert zone.files() == ()
        assert zone.blocked() == {"a.csv": f"a.csv cannot be read: give rights to read it, in {tmp_path}"}


def test_a_landing_zone_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(DeliveryRefused, match=rf"^the landing zone .*/{name} cannot be listed"):
            LandingZone(tmp_path / name).files()


def test_other_bytes_of_the_same_size_and_date_are_another_file(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    seen = []
    for content, replace in ((b"one", False), (b"two", False), (b"six", True)):
        target = tmp_path / ("other" if replace else "a.csv")
        target.write_bytes(content)
        os.utime(target, ns=(5, 5))
        target.replace(tmp_path / "a.csv")
        seen.append(zone.find("a.csv"))
    assert {(file.size, file.modified_ns) for file in seen if file} == {(3, 5)}
    assert len(set(seen)) == 3


def test_what_a_killed_delivery_left_is_removed_by_the_next(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    old, young, others = (tmp_path / name for name in (".a.csv.0123abcd", ".a.csv.4567abcd", ".b.csv.0123abcd"))
    for path in (old, young, others):
        path.write_bytes(b"part")
    for path in (old, others):
        os.utime(path, (0, 0))
    zone.deliver("a.csv", b"one")
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, others.name, "a.csv"]
