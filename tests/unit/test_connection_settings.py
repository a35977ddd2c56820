"""Connections come from variables or files, by name, and nothing that is printed of them holds their URL."""

from pathlib import Path

import pytest
from tests.working import ROOT

from taxiway.errors import SettingsError
from taxiway.settings import Settings, load_settings

URL = "postgresql://me:top-secret@db/x"


def loaded(tmp_path: Path) -> Settings:
    return load_settings("local", root=ROOT, home=tmp_path)


def test_a_connection_is_named_by_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "url"
    file.write_text(f"{URL}2\n")
    monkeypatch.setenv("TAXIWAY_CONNECTION_WAREHOUSE", URL)
    monkeypatch.setenv("TAXIWAY_CONNECTION_BI_2_FILE", str(file))
    settings = loaded(tmp_path)
    assert {name: settings.url_of(name) for name in settings.connections} == {"warehouse": URL, "bi_2": f"{URL}2"}
    assert "top-secret" not in f"{settings!r} {settings} {settings.connections}"


@pytest.mark.parametrize(
    "name",
    [
        "TAXIWAY_CONNECTIONS",
        "TAXIWAY_CONNECTION_",
        "TAXIWAY_CONNECTION_bi",
        "TAXIWAY_CONNECTION__FILE",
        "TAXIWAY_CONNECTIO",
    ],
)
def test_a_variable_that_names_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, URL)
    with pytest.raises(SettingsError, match=f"the variable {name} is no setting") as caught:
        loaded(tmp_path)
    assert "top-secret" not in str(caught.value)


def test_a_variable_and_a_file_for_one_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_CONNECTION_BI", URL)
    monkeypatch.setenv("TAXIWAY_CONNECTION_BI_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match="are both set; unset one") as caught:
        loaded(tmp_path)
    assert "top-secret" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_CONNECTION_BI_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match=r"TAXIWAY_CONNECTION_BI_FILE=.*/url cannot be read"):
        loaded(tmp_path)


@pytest.mark.parametrize("given", [URL, "x" * 5000, "top-secret", "top-secret/and/more"])
def test_a_secret_in_place_of_its_file_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("TAXIWAY_CONNECTION_BI_FILE", given)
    with pytest.raises(SettingsError, match="the file that TAXIWAY_CONNECTION_BI_FILE names cannot be read") as caught:
        loaded(tmp_path)
    assert "top-secret" not in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_a_file_that_is_no_text_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("TAXIWAY_CONNECTION_BI_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsError, match=r"/url cannot be read \(it is no text\); name a file that holds the key"):
        loaded(tmp_path)


def test_one_that_is_not_set_tells_the_variable_and_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_CONNECTION_BI", URL)
    with pytest.raises(
        SettingsError, match="'sales' is not set; there are: bi: set TAXIWAY_CONNECTION_SALES to its"
    ) as c:
        loaded(tmp_path).url_of("sales")
    assert "top-secret" not in str(c.value)


def test_a_settings_file_may_hold_none(tmp_path: Path) -> None:
    folder = tmp_path / "deployments" / "local"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text(f'[connections]\nbi = "{URL}"\n')
    with pytest.raises(SettingsError, match="take them out, and set a variable for each") as caught:
        load_settings("local", root=tmp_path)
    assert "top-secret" not in str(caught.value)


def test_a_place_for_files_is_a_whole_path_or_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, url in {"A": "/exports/", "B": "s3://bucket/exports", "C": URL, "D": "exports"}.items():
        monkeypatch.setenv(f"TAXIWAY_CONNECTION_{name}", url)
    settings = loaded(tmp_path)
    assert [settings.store_of(name).uri for name in "ab"] == ["/exports", "s3://bucket/exports"]
    for name in "cd":
        with pytest.raises(SettingsError, match=f"the connection '{name}' is no place for files") as caught:
            settings.store_of(name)
        assert "top-secret" not in str(caught.value)
