"""A setting that means nothing is refused when settings are loaded, in one line that names it."""

from pathlib import Path

import pytest
from tests.working import ROOT

from taxiway.errors import SettingsError
from taxiway.settings import Settings, load_settings


def settings_with(home: Path, **changed: str) -> Settings:
    given = {"zone": "America/New_York", "first_month": "2013-01", "end_month": "2014-01"} | changed
    return load_settings("local", root=ROOT, home=home, **given)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"zone": "Mars/Olympus"}, "zone: there is no time zone 'Mars/Olympus'; write it as America/New_York"),
        ({"zone": "../etc/passwd"}, "zone: there is no time zone '../etc/passwd'"),
        ({"zone": ""}, "zone: there is no time zone ''"),
        ({"zone": "America"}, "zone: there is no time zone 'America'"),
        ({"first_month": "0000-01"}, "'0000-01' is not a month"),
        ({"first_month": "2013-13"}, "'2013-13' is not a month"),
        ({"end_month": "2014"}, "'2014' is not a month"),
        ({"end_month": "2013-01"}, "first_month 2013-01 must lie before end_month 2013-01"),
        ({"end_month": "2012-12"}, "first_month 2013-01 must lie before end_month 2012-12"),
    ],
    ids=str,
)
def test_what_means_nothing_is_refused_in_one_line(tmp_path: Path, changed: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_with(tmp_path, **changed)
    message = str(caught.value)
    assert message.startswith("deployment 'local': ")
    assert told in message
    assert "\n" not in message


def test_the_environment_is_judged_like_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_ZONE", "Mars/Olympus")
    with pytest.raises(SettingsError, match="there is no time zone 'Mars/Olympus'"):
        settings_with(tmp_path)


def test_one_month_is_enough(tmp_path: Path) -> None:
    assert settings_with(tmp_path, end_month="2013-02").months.keys() == ("2013-01",)
