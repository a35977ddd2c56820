"""The landing zone, a folder or a bucket: names from an allow-list, deliveries in one step, whole files only."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore
from pydantic import SecretStr
from tests.s3 import Server
from tests.unprivileged import unprivileged

from taxiway.errors import DeliveryRefused, UsageError
from taxiway.landing import LandingZone
from taxiway.storage import S3, Store


@pytest.fixture
def zone(store: Store) -> LandingZone:
    """A landing zone of which nothing is there yet, in a folder or a bucket."""
    return LandingZone(store)


@pytest.fixture
def folder(tmp_path: Path) -> LandingZone:
    return LandingZone(Store(str(tmp_path)))


def names(zone: LandingZone) -> list[str]:
    return [file.name for file in zone.listing().files]


@pytest.mark.parametrize("name", ["flights-2013-01.csv", "a", "7.csv", "A_b-c.tar.gz"])
def test_good_names(folder: LandingZone, tmp_path: Path, name: str) -> None:
    assert folder.address(name) == str(tmp_path / name)


BAD_NAMES = ["", ".", "..", "*.csv", "a?.csv", "../x.csv", "a/b.csv", "a\\b", ".hidden", "-x", "a..b", "a.", "ä.csv"]


@pytest.mark.parametrize("name", [*BAD_NAMES, "a b", "a\n", "a\0", "a'b", "a;b", "a%2e", "x" * 201])
def test_bad_names(folder: LandingZone, tmp_path: Path, name: str) -> None:
    uses = (folder.address, folder.find, folder.read, folder.digest, lambda name: folder.deliver(name, b"x"))
    for use in uses:
        with pytest.raises(UsageError, match="cannot be the name of a delivered file"):
            use(name)
    assert list(tmp_path.iterdir()) == []


@given(st.text(max_size=20))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    try:
        address = LandingZone(Store("/landing")).address(name)
    except UsageError:
        return
    assert Path(os.path.normpath(address)).parent == Path("/landing")
    assert not set(name) & set("*?[]{}'\"\\/ ")


def test_deliver_and_list(zone: LandingZone) -> None:
    assert zone.listing().files == ()
    assert zone.deliver("b.csv", b"one") is True
    assert zone.deliver("a.csv", b"") is True
    for name in (".a.csv.1234abcd", "*.csv", "folder/c.csv"):
        zone.store.write(name, b"in progress, no name, too deep")
    listing = zone.listing()
    assert [(file.name, file.size) for file in listing.files] == [("a.csv", 0), ("b.csv", 3)]
    assert set(listing.found) == {".a.csv.1234abcd", "*.csv", "folder", "a.csv", "b.csv"}
    assert listing.files[1] == zone.find("b.csv")
    assert listing.blocked == {
        "folder": f"folder is a folder: remove it from {zone.store}, and deliver a file of that name"
    }


def test_a_name_that_is_too_long_is_in_the_listing_but_never_read(folder: LandingZone, tmp_path: Path) -> None:
    longest, longer, lost = "a" * 200, "a" * 201, "b" * 201
    for name in (longest, longer):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / lost).symlink_to("nowhere")
    listing = folder.listing()
    assert list(listing.readable) == [longest]
    assert set(listing.found) == {longest, longer, lost}
    assert listing.blocked == {}
    assert folder.digest(longest)


def test_what_is_delivered_is_read(zone: LandingZone) -> None:
    content = b"0123456789abcdef" * 200_000
    zone.deliver("a.csv", content)
    assert zone.read("a.csv") == content
    assert zone.digest("a.csv") == hashlib.sha256(content).hexdigest()
    for use in (zone.read, zone.digest):
        with pytest.raises(DeliveryRefused, match=rf"^b\.csv has not been delivered: put it into {zone.store}$"):
            use("b.csv")


def test_equal_content_is_left_alone(zone: LandingZone) -> None:
    zone.deliver("a.csv", b"one")
    before = zone.find("a.csv")
    assert zone.deliver("a.csv", b"one") is False
    assert zone.find("a.csv") == before
    assert zone.deliver("a.csv", b"two") is True
    assert zone.find("a.csv") != before
    assert zone.read("a.csv") == b"two"
    assert set(zone.listing().found) == {"a.csv"}


def test_a_folder_in_the_place_of_a_file_is_told(zone: LandingZone) -> None:
    zone.store.write("a.csv/b.csv", b"x")
    told = rf"^a\.csv is a folder: remove it from {zone.store}, and deliver a file of that name"
    for use in (zone.read, zone.digest):
        with pytest.raises(DeliveryRefused, match=told):
            use("a.csv")
    assert zone.find("a.csv") is None
    assert names(zone) == []


def test_a_reader_sees_one_content_or_the_other(folder: LandingZone, tmp_path: Path) -> None:
    contents = [bytes([letter]) * 300_000 for letter in b"abcd"]
    folder.deliver("a.csv", contents[0])
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(folder.deliver, "a.csv", contents[turn % 4]) for turn in range(60)]
        seen = {(tmp_path / "a.csv").read_bytes() for _ in range(200)}
        assert all(isinstance(writer.result(), bool) for writer in writers)
    assert seen <= set(contents)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_failed_delivery_leaves_nothing_behind(folder: LandingZone, tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DeliveryRefused, match=r"a\.csv is a folder: remove it from .*, and deliver a file"):
        folder.deliver("a.csv", b"one")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DeliveryRefused, match=r"a\.csv cannot be put into .*: make the folder writable"):
        LandingZone(Store(str(tmp_path / "file" / "landing"))).deliver("a.csv", b"one")


def test_what_lies_in_the_place_of_a_file_is_told(folder: LandingZone, tmp_path: Path) -> None:
    folder.deliver("good.csv", b"one")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / ".hidden").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "lost.csv").symlink_to(tmp_path / "nowhere")
    kinds = {"folder.csv": "a folder", "lost.csv": "a link to nowhere", "pipe.csv": "no regular file"}
    assert folder.listing().blocked == {
        name: f"{name} is {kind}: remove it from {tmp_path}, and deliver a file of that name"
        for name, kind in kinds.items()
    }
    for name in kinds:
        for use in (folder.digest, folder.read):
            with pytest.raises(DeliveryRefused, match=f"^{name} is "):
                use(name)
        assert folder.find(name) is None
    assert names(folder) == ["good.csv"]


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("elsewhere") / "secret.csv"
    path.write_bytes(b"secret")
    return path


@pytest.mark.parametrize("way", ["directly", "by another link", "by a folder"])
def test_a_link_out_of_the_landing_zone_is_told_and_never_read(
    folder: LandingZone, tmp_path: Path, outside: Path, way: str
) -> None:
    link = tmp_path / "a.csv"
    if way == "directly":
        link.symlink_to(os.path.relpath(outside, tmp_path))
    elif way == "by another link":
        (tmp_path / "b.csv").symlink_to(outside)
        link.symlink_to("b.csv")
    else:
        (tmp_path / "elsewhere").symlink_to(outside.parent)
        link.symlink_to(f"elsewhere/{outside.name}")
    told = f"a.csv is a link that leads out of the landing zone: remove it from {tmp_path}, and deliver a file"
    assert folder.listing().blocked["a.csv"].startswith(told)
    assert names(folder) == []
    assert folder.find("a.csv") is None
    for use in (folder.read, folder.digest):
        with pytest.raises(DeliveryRefused, match=f"^{told}"):
            use("a.csv")
    assert folder.deliver("a.csv", b"secret") is True, "it is replaced, unread"
    assert outside.read_bytes() == b"secret"
    assert not link.is_symlink()


def test_a_link_within_the_landing_zone_is_a_file(folder: LandingZone, tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "a.csv").write_bytes(b"one")
    (tmp_path / "a.csv").symlink_to("done/a.csv")
    assert names(folder) == ["a.csv"]
    assert folder.read("a.csv") == b"one"


def test_a_landing_zone_may_itself_be_a_link(folder: LandingZone, tmp_path: Path) -> None:
    (tmp_path / "zone").mkdir()
    (tmp_path / "link").symlink_to("zone")
    zone = LandingZone(Store(str(tmp_path / "link")))
    zone.deliver("a.csv", b"one")
    (tmp_path / "zone" / "b.csv").symlink_to("a.csv")
    assert names(zone) == ["a.csv", "b.csv"]
    assert zone.read("b.csv") == b"one"


def test_a_file_without_rights_to_read_it_is_told(folder: LandingZone, tmp_path: Path) -> None:
    folder.deliver("a.csv", b"one")
    (tmp_path / "a.csv").chmod(0)
    with unprivileged(tmp_path):
        listing = folder.listing()
        assert listing.files == ()
        assert listing.blocked == {"a.csv": f"a.csv cannot be read: give rights to read it, in {tmp_path}"}
        with pytest.raises(DeliveryRefused, match=r"^a\.csv cannot be read \(.*\): check the file and its permissions"):
            folder.read("a.csv")


def test_a_landing_zone_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises(DeliveryRefused, match=rf"^the landing zone .*/{name} cannot be listed"):
            LandingZone(Store(str(tmp_path / name))).listing()


def test_a_bucket_that_is_not_there_is_told(s3: Server) -> None:
    zone = LandingZone(Store("s3://nobucket/landing", s3.s3()))
    with pytest.raises(
        DeliveryRefused, match=r"^the landing zone s3://nobucket/landing cannot be listed .*bucket"
    ) as caught:
        zone.listing()
    assert "\n" not in str(caught.value)


def test_a_refusal_of_the_bucket_is_told_without_the_keys(s3: Server) -> None:
    store = s3.store()
    LandingZone(store).deliver("a.csv", b"one")
    reader = LandingZone(Store(store.uri, s3.s3("reader")))
    assert reader.read("a.csv") == b"one"
    with pytest.raises(
        DeliveryRefused, match=r"^b\.csv cannot be put into s3://.*permission denied\): see that its bucket"
    ):
        reader.deliver("b.csv", b"two")
    wrong = S3(s3.endpoint, access_key_id=SecretStr("SOMEKEY"), secret_access_key=SecretStr("SOMESECRET"))
    stranger = LandingZone(Store(store.uri, wrong))
    uses: list[Callable[[], object]] = [
        stranger.listing,
        lambda: stranger.find("a.csv"),
        lambda: stranger.read("a.csv"),
        lambda: stranger.digest("a.csv"),
        lambda: stranger.deliver("a.csv", b"two"),
    ]
    for use in uses:
        with pytest.raises(DeliveryRefused, match="permission denied") as caught:
            use()
        assert not {"SOMEKEY", "SOMESECRET"} & set(str(caught.value).replace("'", " ").split())
        assert "SOME" not in str(caught.value)


def test_a_bucket_may_have_a_file_and_a_folder_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    store, held = Store("s3://bucket/landing"), MemoryStore()
    monkeypatch.setattr(Store, "_root", held)
    for path in ("a.csv", "a.csv/b.csv", "c/d.csv"):
        store.write(path, b"x")
    listing = LandingZone(store).listing()
    assert [file.name for file in listing.files] == ["a.csv"]
    assert {name: found.problem for name, found in listing.found.items() if found.problem} == {
        "a.csv/": "is a folder",
        "c": "is a folder",
    }


def test_other_bytes_of_the_same_size_and_date_are_another_file(folder: LandingZone, tmp_path: Path) -> None:
    seen = []
    for content, replace in ((b"one", False), (b"two", False), (b"six", True)):
        target = tmp_path / ("other" if replace else "a.csv")
        target.write_bytes(content)
        os.utime(target, ns=(5, 5))
        target.replace(tmp_path / "a.csv")
        seen.append(folder.find("a.csv"))
    assert {(file.size, file.modified_ns) for file in seen if file} == {(3, 5)}
    assert len(set(seen)) == 3


def test_other_bytes_of_the_same_size_are_another_file(zone: LandingZone) -> None:
    seen = []
    for content in (b"one", b"two", b"six"):
        zone.store.write("a.csv", content)
        seen.append(zone.find("a.csv"))
    assert len({(file.size, file.tag, file.changed_ns) for file in seen if file}) == 3


def test_what_a_killed_delivery_left_is_removed_by_the_next(folder: LandingZone, tmp_path: Path) -> None:
    old, young, others = (tmp_path / name for name in (".a.csv.0123abcd", ".a.csv.4567abcd", ".b.csv.0123abcd"))
    for path in (old, young, others):
        path.write_bytes(b"part")
    for path in (old, others):
        os.utime(path, (0, 0))
    folder.deliver("a.csv", b"one")
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, others.name, "a.csv"]


@dataclass(frozen=True)
class Changing(Store):
    """A place in which somebody else changes a file while it is read."""

    change: Callable[[], object] = bool

    def pieces(self, path: str, size: int = 1 << 20) -> Iterator[bytes]:
        pieces = super().pieces(path, size)
        yield next(pieces)
        self.change()
        yield from pieces


@pytest.mark.parametrize("change", ["replaced", "appended to", "withdrawn"])
@pytest.mark.parametrize("way", ["read", "digest"])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, change: str, way: str) -> None:
    file, other = tmp_path / "a.csv", tmp_path / "other"
    file.write_bytes(b"one")
    other.write_bytes(b"two")
    changes: dict[str, Callable[[], object]] = {
        "replaced": lambda: other.rename(file),
        "appended to": lambda: file.write_bytes(b"one and more"),
        "withdrawn": file.unlink,
    }
    zone = LandingZone(Changing(str(tmp_path), change=changes[change]))
    message = "has not been delivered" if change == "withdrawn" else "changed while it was read"
    with pytest.raises(DeliveryRefused, match=rf"^a\.csv {message}"):
        getattr(zone, way)("a.csv")
    if change != "withdrawn":
        assert LandingZone(Store(str(tmp_path))).read("a.csv") == (b"two" if change == "replaced" else b"one and more")


def test_a_bucket_gives_one_content_whatever_becomes_of_the_file(s3: Server) -> None:
    store = s3.store()
    zone = LandingZone(store)
    zone.deliver("a.csv", b"one")
    before = zone.find("a.csv")
    changing = LandingZone(Changing(store.uri, store.s3, change=lambda: zone.deliver("a.csv", b"two")))
    assert changing.read("a.csv") == b"one"
    assert zone.find("a.csv") != before
