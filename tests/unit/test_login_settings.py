"""The settings of a log-in by OpenID Connect: all that it needs, or none of them."""

from pathlib import Path

import pytest
from tests.working import ROOT

from taxiway.deployment.oidc import OpenIdConnect
from taxiway.errors import SettingsError
from taxiway.settings import LoginSettings, load_group, load_settings

GIVEN = {
    "OIDC_ISSUER": "https://login.example.org/realms/data",
    "OIDC_CLIENT_ID": "taxiway",
    "OIDC_CLIENT_SECRET": "hush",
    "OIDC_ADMINS": "engineers",
}


def test_without_any_there_are_passwords() -> None:
    assert OpenIdConnect.of(load_group(LoginSettings, "staging", ROOT)) is None


@pytest.mark.parametrize("missing", GIVEN)
def test_what_is_missing_is_told_in_one_error(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name, value in GIVEN.items():
        if name != missing:
            monkeypatch.setenv(f"TAXIWAY_{name}", value)
    with pytest.raises(SettingsError, match=f"log-in by OpenID Connect also needs TAXIWAY_{missing}$") as error:
        load_group(LoginSettings, "staging", ROOT)
    assert "hush" not in str(error.value)


def test_the_secret_may_be_in_a_file_and_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in GIVEN.items():
        if name != "OIDC_CLIENT_SECRET":
            monkeypatch.setenv(f"TAXIWAY_{name}", value)
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("TAXIWAY_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    oidc = OpenIdConnect.of(load_group(LoginSettings, "staging", ROOT))
    assert oidc is not None
    assert oidc.client_secret == "hush"
    assert "hush" not in repr(oidc)
    assert "hush" not in repr(load_settings("local", home=tmp_path))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OIDC_ISSUER", "http://login.example.org"),
        ("OIDC_ISSUER", "http://localhost.example.org"),
        ("OIDC_ADMINS", "a,b"),
        ("OIDC_VIEWERS", "a; return 200"),
        ("OIDC_HOST", "a b"),
    ],
)
def test_what_would_not_be_safe_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for each, good in {**GIVEN, name: value}.items():
        monkeypatch.setenv(f"TAXIWAY_{each}", good)
    with pytest.raises(SettingsError):
        load_group(LoginSettings, "staging", ROOT)
