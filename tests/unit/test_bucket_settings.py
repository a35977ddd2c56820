"""Where the lake and the landing zone lie, and by which keys buckets are reached: said plainly, keys never shown."""

from pathlib import Path

import pytest
from tests.working import ROOT

from taxiway.errors import SettingsError
from taxiway.settings import Settings, load_settings

KEY, SECRET = "AKIAEXAMPLEKEY", "very/secret+key"


def load(tmp_path: Path) -> Settings:
    return load_settings("local", root=ROOT, home=tmp_path)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TAXIWAY_LAKE": "s3://company-lake/flights/",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("variables")
def test_a_lake_in_a_bucket_is_reached_by_amazons_variables(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.lake.uri, settings.landing.uri) == ("s3://company-lake/flights", str(tmp_path / "landing"))
    assert settings.landing.s3 is None
    assert settings.lake.s3 is not None
    assert settings.lake.s3.keys == {"access_key_id": KEY, "secret_access_key": SECRET}
    assert (settings.lake.s3.region, settings.lake.s3.uses_tls) == ("eu-central-1", False)


@pytest.mark.usefixtures("variables")
def test_no_key_is_shown(tmp_path: Path) -> None:
    settings = load(tmp_path)
    for shown in (repr(settings), str(settings), repr(settings.lake), str(settings.lake)):
        assert KEY not in shown
        assert SECRET not in shown


@pytest.mark.usefixtures("variables")
def test_a_key_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SettingsError, match="of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY one is set"):
        load(tmp_path)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_FILE", str(tmp_path / "secret"))
    with pytest.raises(SettingsError, match=r"AWS_SECRET_ACCESS_KEY_FILE=.*secret cannot be read"):
        load(tmp_path)
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    lake = load(tmp_path).lake
    assert lake.s3 is not None
    assert lake.s3.keys["secret_access_key"] == SECRET
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with pytest.raises(
        SettingsError, match="AWS_SECRET_ACCESS_KEY and AWS_SECRET_ACCESS_KEY_FILE are both set"
    ) as told:
        load(tmp_path)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("s3://", "lake: .*is no place in a bucket: write s3://bucket/prefix"),
        ("s3://Upper/x", "lake: .*is no place in a bucket"),
        ("lake", "TAXIWAY_LAKE=lake is no whole path; write TAXIWAY_LAKE=/"),
        ("/data/a*b", r"lake: .*contains \*, which readers of data files take for a pattern"),
        ("s3://bucket/month=1", "lake: .*contains =, which readers"),
    ],
)
def test_what_is_no_place_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, told: str) -> None:
    monkeypatch.setenv("TAXIWAY_LAKE", place)
    with pytest.raises(SettingsError, match=told):
        load(tmp_path)


@pytest.mark.parametrize(
    ("lake", "landing"), [("/data/x", "/data/x"), ("/data/x", "/data/x/in"), ("s3://b-1/x/y", "s3://b-1/x")]
)
def test_lake_and_landing_zone_lie_beside_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lake: str, landing: str
) -> None:
    monkeypatch.setenv("TAXIWAY_LAKE", lake)
    monkeypatch.setenv("TAXIWAY_LANDING", landing)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with pytest.raises(SettingsError, match="lie in one another; set TAXIWAY_LAKE or TAXIWAY_LANDING"):
        load(tmp_path)
