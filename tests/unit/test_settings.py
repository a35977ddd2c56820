"""A setting that means nothing is refused when settings are loaded, in one line that names it."""

from pathlib import Path

import pytest
from tests.working import LOCAL, ROOT

from taxiway.errors import SettingsError
from taxiway.settings import LoginSettings, Settings, explain_settings, load_group, load_settings, servers_home


def settings_with(home: Path, **changed: str) -> Settings:
    given = {"zone": "America/New_York", "first": "2013-01", "end": "2014-01"} | changed
    return load_settings("local", root=ROOT, home=home, **given)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"zone": "Mars/Olympus"}, "zone: 'Mars/Olympus' is no time zone; write one such as America/New_York"),
        ({"zone": "../etc/passwd"}, "zone: '../etc/passwd' is no time zone"),
        ({"zone": ""}, "zone: '' is no time zone"),
        ({"zone": "America"}, "zone: 'America' is no time zone"),
        ({"first": "0000-01"}, "'0000-01' is no partition and no date: write a month as 2013-05, a week as"),
        ({"first": "2013-13"}, "'2013-13' is no partition"),
        ({"end": "2014"}, "'2014' is no partition"),
        ({"end": "2013-01"}, "the first partition 2013-01 must lie before the end 2013-01"),
        ({"end": "2012-12"}, "the first partition 2013-01 must lie before the end 2012-12"),
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
    with pytest.raises(SettingsError, match="'Mars/Olympus' is no time zone"):
        load_settings("local", root=ROOT, home=tmp_path)


def test_one_month_is_enough(tmp_path: Path) -> None:
    assert settings_with(tmp_path, end="2013-02").calendar.keys("month") == ("2013-01",)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("TAXIWAY_MEMORY_LIMITS", "did you mean TAXIWAY_MEMORY_LIMIT?"),
        ("TAXIWAY_HOM", "did you mean TAXIWAY_HOME?"),
        ("taxiway_zones", "did you mean TAXIWAY_ZONE?"),
        ("TAXIWAY_XYZ", "there are: TAXIWAY_DEPLOYMENT, TAXIWAY_ROOT, TAXIWAY_HOME, "),
    ],
)
def test_a_variable_that_is_no_setting_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.setenv(name, "3GB")
    with pytest.raises(SettingsError) as caught:
        settings_with(tmp_path)
    assert str(caught.value).startswith(f"the variable {name} is no setting: rename or unset it; {told}")


def test_neither_is_it_where_one_group_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_OIDC_VIEWER", "analysts")
    with pytest.raises(
        SettingsError, match=r"TAXIWAY_OIDC_VIEWER is no setting: .*; did you mean TAXIWAY_OIDC_VIEWERS"
    ):
        load_group(LoginSettings, "staging", ROOT)


def test_every_setting_and_what_the_suite_reads_may_be_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "DEPLOYMENT": "local",
        "ROOT": str(ROOT),
        "HOME": str(tmp_path / "home"),
        "PROJECT": "flights.project:project",
        "ENGINE": "duckdb",
        "THREADS": "1",
        "MEMORY_LIMIT": "2GB",
        "SPARK_MASTER": "local[2]",
        "SPARK": '{"spark.driver.memory": "1g"}',
        "FIRST": "2013-02",
        "END": "2013-03",
        "ZONE": "UTC",
        "SETTLE_SECONDS": "1",
        "FRESH_HOURS": "2",
        "KEEP_DAYS": "7",
        "AUTOMATION": "false",
        "RUNS": "queue",
        "OIDC_ISSUER": "https://login.company.com",
        "OIDC_CLIENT_ID": "taxiway",
        "OIDC_CLIENT_SECRET": "hush",
        "OIDC_ADMINS": "engineers",
        "OIDC_VIEWERS": "analysts",
        "OIDC_SCOPE": "openid",
        "OIDC_HOST": "taxiway.company.com",
        "LAKE": "s3://bucket/lake",
        "LANDING": str(tmp_path / "landing"),
        "S3": '{"region": "eu-west-1"}',
        "PARAMETERS": '{"late_min": 30}',
        "PORT": "9999",
        "DAGSTER_STORAGE": "postgresql://dagster:secret@db/dagster",
    }
    assert {name.lower() for name in values} == set(Settings.model_fields) - {"connections"}
    for name, value in (values | {"SOAK": "1", "REQUIRE": "all"}).items():
        monkeypatch.setenv(f"TAXIWAY_{name}", value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "key")
    found = load_settings()
    assert (found.threads, found.calendar.keys("month"), found.home) == (1, ("2013-02",), tmp_path / "home")
    assert found.parameters["late_min"] == 30
    assert (found.lake.uri, found.landing.uri) == ("s3://bucket/lake", str(tmp_path / "landing"))
    assert found.lake.s3 is not None
    assert found.lake.s3.region == "eu-west-1"
    assert found.port == 9999
    assert found.dagster_storage.get_secret_value() == values["DAGSTER_STORAGE"]
    assert ":secret@" not in f"{found!r} {found}"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("late_min=3", "in a variable, parameters are one JSON object"),
        ('{"late_min": [3]}', "parameters.late_min: [3] is no number, text, true or false"),
    ],
)
def test_parameters_that_cannot_be_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    monkeypatch.setenv("TAXIWAY_PARAMETERS", value)
    with pytest.raises(SettingsError) as caught:
        settings_with(tmp_path)
    assert str(caught.value).startswith("deployment 'local': ")
    assert str(caught.value).endswith(told)


def test_a_setting_that_there_is_not_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"given has memory_limits, .*; did you mean memory_limit\?"):
        settings_with(tmp_path, memory_limits="1GB")


@pytest.mark.parametrize("given", ["state", ".", "./state", "~/state", " "])
def test_a_home_that_depends_on_the_working_directory_is_refused(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("TAXIWAY_HOME", given)
    with pytest.raises(SettingsError, match=r"is no whole path; write TAXIWAY_HOME=/.+, or unset it"):
        load_settings("local", root=ROOT)


@pytest.mark.parametrize("given", ["state", "./state", " "])
def test_so_is_that_of_servers_in_the_same_words(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("TAXIWAY_HOME", given)
    with pytest.raises(SettingsError) as of_servers:
        servers_home("local", ROOT)
    with pytest.raises(SettingsError) as of_settings:
        load_settings("local", root=ROOT)
    assert str(of_servers.value) == str(of_settings.value)


def test_the_home_of_another_deployments_shell_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAXIWAY_DEPLOYMENT", "staging")
    assert servers_home("production", ROOT) == ROOT / ".taxiway-production"
    monkeypatch.setenv("TAXIWAY_HOME", str(tmp_path))
    assert servers_home("staging", ROOT) == tmp_path
    with pytest.raises(
        SettingsError, match=r"this shell is one of deployment 'staging', .*'production' is asked for"
    ) as c:
        servers_home("production", ROOT)
    assert "\n" not in str(c.value)
    monkeypatch.delenv("TAXIWAY_DEPLOYMENT")
    assert servers_home("production", ROOT) == tmp_path


def test_an_empty_home_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAXIWAY_HOME", "")
    monkeypatch.chdir(tmp_path)
    assert load_settings("local", root=ROOT).home == ROOT / ".taxiway"


def test_a_home_that_is_the_project_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_HOME", str(ROOT))
    with pytest.raises(SettingsError, match="is the project's own folder, which tables would fill"):
        load_settings("local", root=ROOT)


@pytest.fixture
def two_deployments(tmp_path: Path) -> Path:
    """A project with a local deployment and one of production."""
    for name, first in (("local", "2013-01"), ("production", "2012-01")):
        folder = tmp_path / "deployments" / name
        folder.mkdir(parents=True)
        (folder / "settings.toml").write_text(f'{LOCAL}first = "{first}"\n[parameters]\na = 1\n')
    shared = 'project = "p:p"\nfirst = "2000-01"\nend = "2014-01"\n[parameters]\na = 0\nb = 2\n'
    (tmp_path / "deployments" / "settings.toml").write_text(shared)
    return tmp_path


def test_the_deployment_that_is_asked_for_is_the_one_that_is_loaded(
    two_deployments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXIWAY_DEPLOYMENT", "production")
    monkeypatch.setenv("TAXIWAY_HOME", str(two_deployments / "home"))
    here = load_settings("local", root=two_deployments)
    assert (here.deployment, here.first) == ("local", "2013-01")
    there = load_settings(root=two_deployments)
    assert (there.deployment, there.first) == ("production", "2012-01")


def test_what_is_given_wins_over_the_environment_and_that_over_the_file(
    two_deployments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAXIWAY_HOME", str(two_deployments / "variable"))
    monkeypatch.setenv("TAXIWAY_FIRST", "2013-02")
    monkeypatch.setenv("TAXIWAY_PARAMETERS", '{"b": 3}')
    found = load_settings("local", root=two_deployments, home=two_deployments / "given")
    assert (found.home.name, found.first, found.parameters) == ("given", "2013-02", {"a": 1, "b": 3})
    assert load_settings("local", root=two_deployments, parameters={"b": 4}).parameters == {"b": 4}
    monkeypatch.setenv("TAXIWAY_ROOT", "/nowhere")
    assert load_settings("local", root=two_deployments).root == two_deployments


@pytest.mark.parametrize("name", ["lake", "landing"])
@pytest.mark.parametrize("place", ["/data/files", "s3://bucket", "s3://bucket/some/prefix"])
def test_a_variable_names_a_folder_or_a_place_in_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    monkeypatch.setenv(f"TAXIWAY_{name.upper()}", place)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "key")
    assert getattr(settings_with(tmp_path), name).uri == place


def test_all_that_is_missing_or_wrong_is_told_at_once(two_deployments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = 'threads = "many"\nfirst = "2012-13"\nruns = "queue"\nthread = 2\n'
    (two_deployments / "deployments" / "production" / "settings.toml").write_text(bare)
    monkeypatch.setenv("TAXIWAY_LANDING", "s3://bucket/landing")
    with pytest.raises(SettingsError) as caught:
        load_settings("production", root=two_deployments)
    first, *problems = str(caught.value).splitlines()
    assert first == "deployment 'production':"
    told = [
        "deployments/production/settings.toml has thread, which is no setting; did you mean threads?",
        "TAXIWAY_HOME is not set: where scratch, Dagster's folder and logs lie, on this machine, e.g. /",
        "TAXIWAY_LAKE is not set: where the tables live: a folder or a prefix of a bucket, e.g. s3://",
        "TAXIWAY_ENGINE is not set: what computes: duckdb or spark, e.g. duckdb",
        "threads: Input should be a valid integer, ",
        "TAXIWAY_DAGSTER_STORAGE is not set: ",
        "first and end: '2012-13' is no partition",
    ]
    assert len(problems) == len(told)
    for problem, expected in zip(problems, told, strict=True):
        assert problem.startswith(f"  {expected}")


def test_buckets_need_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_LAKE", "s3://bucket/lake")
    settings = settings_with(tmp_path)
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: who reads and"):
        settings.see_that_buckets_can_be_used()


def test_where_each_value_came_from(two_deployments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_PARAMETERS", '{"b": 3}')
    _, origins = explain_settings("local", root=two_deployments, threads=1)
    own, shared = "deployments/local/settings.toml", "deployments/settings.toml"
    assert {name: origins[name] for name in ("threads", "first", "end", "memory_limit", "parameters")} == {
        "threads": "given",
        "first": own,
        "end": shared,
        "memory_limit": "default",
        "parameters": f"TAXIWAY_PARAMETERS, {own}, {shared}",
    }


URL = "postgresql://dagster:very-secret@127.0.0.1/dagster"


def test_the_storage_of_dagster_may_be_in_a_file_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "url").write_text(f"{URL}\n")
    monkeypatch.setenv("TAXIWAY_DAGSTER_STORAGE_FILE", str(tmp_path / "url"))
    found = settings_with(tmp_path)
    assert found.dagster_storage.get_secret_value() == URL
    assert "very-secret" not in f"{found!r} {found}"
    monkeypatch.setenv("TAXIWAY_DAGSTER_STORAGE", URL)
    with pytest.raises(SettingsError, match="both set; unset one") as told:
        settings_with(tmp_path)
    assert "very-secret" not in str(told.value)


def test_no_file_of_the_project_holds_a_password(two_deployments: Path) -> None:
    file = two_deployments / "deployments" / "local" / "settings.toml"
    file.write_text(file.read_text().replace('"sqlite"', f'"{URL}"'))
    with pytest.raises(SettingsError, match="has dagster_storage, which holds a password: set TAXIWAY_DAGS") as told:
        load_settings("local", root=two_deployments)
    assert "very-secret" not in str(told.value)


def test_a_storage_that_is_none_is_refused_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_DAGSTER_STORAGE", "mysql://dagster:very-secret@host/dagster")
    with pytest.raises(SettingsError, match=r"neither sqlite nor postgresql://user:password@") as told:
        settings_with(tmp_path)
    assert "very-secret" not in str(told.value)
