"""What could make two runs of a dbt project differ over the same tables counts as its identity, or is refused."""

import os
from functools import partial
from pathlib import Path

import duckdb
import pytest
from tests.unit.marts.dbt_folder import MODEL, SETTINGS, SOURCES, dbt_folder

from taxiway.addresses import Address
from taxiway.errors import DbtProblem, MartsFailed
from taxiway.marts import Build, DbtProject, build_marts, jinja, sql
from taxiway.storage import Store

KNOWN = {("raw", "levels")}

QUERIES = {
    "now": ("select now()", r"now\(\) is the time of the run"),
    "current_timestamp": ("select current_timestamp", "current_timestamp is the time"),
    "current_date": ("select x from raw.levels where d = CURRENT_DATE", "CURRENT_DATE is the time"),
    "today": ("select today() - 1", r"today\(\) is the time"),
    "localtimestamp": ("select localtimestamp", "localtimestamp is the time"),
    "age": ("select age(t) from raw.levels", r"age\(\) is the time"),
    "random": ("select random()", r"random\(\) differs from run to run"),
    "uuid": ("select uuid() as id from raw.levels", r"uuid\(\) differs"),
    "gen_random_uuid": ("select gen_random_uuid()", r"gen_random_uuid\(\) differs"),
    "getenv": ("select getenv('HOME')", r"getenv\(\) reads the environment"),
    "sample": ("select * from raw.levels using sample 10", "a sample differs"),
    "tablesample": ("select * from raw.levels tablesample 10%", "a sample differs"),
    "limit": ("select * from raw.levels limit 3", "LIMIT without ORDER BY"),
    "row_number": ("select row_number() over (partition by x) from raw.levels", "takes rows in any order"),
    "string_agg": ("select string_agg(x, ',') from raw.levels", "takes rows in any order"),
    "distinct on": ("select distinct on (x) x, y from raw.levels", "DISTINCT ON without ORDER BY"),
    "approximate": ("select approx_quantile(x, 0.5) from raw.levels", r"quantile_cont\(\)"),
    "read_csv": ("select * from read_csv('a.csv')", r"read_csv\(\) reads what is in no table"),
    "read_parquet": ("from read_parquet('s3://a/*.parquet')", r"read_parquet\(\) reads"),
    "glob": ("select * from glob('/etc/*')", r"glob\(\) reads"),
    "a file": ("select * from 'a.csv'", "'a.csv' is nothing that dbt knows"),
    "a table by its name": ("select * from feature.flights", "'feature.flights' is nothing that dbt knows"),
    "a macro of the clock": ("select ago(interval 1 day)", r"ago\(\) is the time"),
    "the start": ("select pg_catalog.pg_conf_load_time(), pg_postmaster_start_time()", r"start_time\(\) is the time"),
    "rowid": ("select t.rowid from raw.levels t", "use the row's key"),
    "positional": ("select 1 from raw.levels positional join raw.levels b", "join by a key"),
    "rows": ("select sum(x) over (partition by y rows 2 preceding) from raw.levels", "takes rows in any order"),
    "running rows": (
        "select sum(x) over (rows between current row and unbounded following) from raw.levels",
        "takes rows in any order",
    ),
    "any value in a window": ("select any_value(x) over (partition by y) from raw.levels", "takes rows in any order"),
    "top": ("select approx_top_k(x, 3) from raw.levels", r"count\(\*\) by value"),
    "json": ("select json_group_array(x) from raw.levels", r"to_json\(list\(\.\.\. ORDER BY"),
    **{
        f"{name} of rows": (f"select {name}(x) from raw.levels", rf"say which, {name}\(\.\.\. ORDER BY")
        for name in ("any_value", "arbitrary", "list", "array_agg", "first", "last", "group_concat", "listagg")
    },
    "array of a query": ("select array(select x from raw.levels)", "takes rows in any order"),
    "in a CTE": ("with a as (select now() as t) select t from a", r"now\(\)"),
    "in a subquery": ("select (select max(x) from raw.levels where t < now())", r"now\(\)"),
    "in a join": ("select 1 from raw.levels a join raw.levels b on a.t < now()", r"now\(\)"),
    "in a window": ("select sum(x) over (order by y, random()) from raw.levels", r"random\(\)"),
    "no SQL": ("select from where", "cannot parse"),
    "any columns": ("pivot raw.levels on x using sum(y)", "a PIVOT lists its columns"),
}


@pytest.mark.parametrize("case", QUERIES)
def test_a_query_that_differs_from_run_to_run_is_told(case: str) -> None:
    query, told = QUERIES[case]
    found = list(sql.problems(query, KNOWN))
    assert any(duckdb.execute("select regexp_matches(?, ?)", [text, told]).fetchall()[0][0] for text in found), found


SAME = [
    "-- now()\nselect 'now()' as a, \"now\" from raw.levels",
    "with a as (select x from raw.levels) select x, count(*) from a group by x",
    "select x from raw.levels order by x limit 3",
    "select row_number() over (order by x), string_agg(x order by x) from raw.levels",
    "select t.current_date from raw.levels t",
    "select unnest([1, 2]) union all select * from range(3) order by 1 limit 2",
    "select * from (pivot raw.levels on x in (1, 2) using sum(y))",
    "select age(a, b), sum(x) over (partition by y), count(*) over (partition by x), sum(x) over () from raw.levels",
    "select list(x order by x), array_agg(x order by y), any_value(x order by y), first(x order by y) from raw.levels",
    "select sum(x) over (order by y rows 2 preceding), list(x order by x) over (partition by z) from raw.levels",
    "select sum(x) over (rows between unbounded preceding and unbounded following) from raw.levels",
    "select array(select x from raw.levels order by x), list_first([1, 2])",
    "select list_sort(list(x)), arg_max(x, y) from raw.levels",
    "select current_user, date_add(d, interval 1 day), split_part(x, ',', 1), fdiv(x, 2) from raw.levels",
]


@pytest.mark.parametrize("query", SAME)
def test_a_query_of_its_tables_alone_is_taken(query: str) -> None:
    assert list(sql.problems(query, KNOWN)) == []


TEMPLATES = {
    "env_var": "select {{ env_var('X', '1') }}",
    "in an expression": "{% if env_var('X', '') == 'a' %}a{% endif %}",
    "in a call": "{{ log(env_var('X')) }}",
    "run_started_at": "{{ run_started_at.strftime('%Y') }}",
    "invocation_id": "'{{ invocation_id }}'",
    "modules": "{{ modules.datetime.datetime.now() }}",
    "modules by key": "{{ modules['datetime'].date.today() }}",
    "modules by another name": "{% set m = modules %}{{ m.datetime }}",
    "random": "{{ [1, 2] | random }}",
    "target": "{{ target.path }}",
    "through builtins": "{{ builtins.env_var('X') }}",
    "a query": "{% set x = run_query('select now()') %}",
    "a statement": "{% call statement('x') %}select current_date{% endcall %}",
    "a query by its name": "{% set q = 'select now()' %}{{ run_query(q) }}",
    "a query in a block": "{% set q %}select now(){% endset %}{{ adapter.execute(q) }}",
    "a header": "{% call set_sql_header(config) %}set x = 1;{% endcall %}",
    "a header by its key": "{% do config.set('sql_header', 'x') %}",
    "threads": "{{ target.threads }}",
    "threads by key": "{{ target['threads'] }}",
    "a setting": "{{ target.settings.memory_limit }}",
    "the whole target": "{{ target | string }}",
    "a variable": "{{ var('others') }}",
    "a variable of the profile": "{{ var('threads', 2) }}",
    "a macro": "{% macro a() %}{{ env_var('X') }}{% endmacro %}",
    "a test": "{% test a(model) %}{{ env_var('X') }}{% endtest %}",
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_a_template_that_differs_from_run_to_run_is_told(case: str) -> None:
    assert len(list(jinja.problems(TEMPLATES[case], declared={"least"}))) == 1


TAKEN = [
    "{# env_var('X') #}-- env_var\nselect '{{ var('least') }}', 'env_var', {{ modules.re.sub('a', 'b', 'c') }}",
    "{{ target.schema }}, {{ target['name'] }}, {{ 'now()' }}",
    "{% macro a(target) %}{{ target.threads }}{% endmacro %}",
    "{% set found = run_query('select river from x') | join('', \"'\") %}{{ var(name) }}",
]


@pytest.mark.parametrize("text", TAKEN)
def test_a_template_of_its_variables_alone_is_taken(text: str) -> None:
    assert list(jinja.problems(text, declared={"least"})) == []


def test_a_query_is_sought_in_what_a_template_calls_too() -> None:
    ask, text = "{% macro ask(q) %}{{ run_query(q) }}{% endmacro %}", "{% macro text() %}select now(){% endmacro %}"
    for template, macros in {"{{ ask('select now()') }}": [ask], "{{ run_query(text()) }}": [text]}.items():
        assert len(list(jinja.problems(template, macros=macros))) == 1
    assert list(jinja.problems("{{ text() }}", macros=[text])) == [], "its compiled SQL tells"


PROJECTS = {
    "a model": ({"models/rivers.sql": "select now() as t"}, r"model rivers \(models/rivers.sql\): now\(\)"),
    "a test": ({"tests/fresh.sql": f"{MODEL} where level > random()"}, r"test fresh \(tests/fresh.sql\): random\(\)"),
    "a test of a model": (
        {"tests/fresh.sql": "select * from {{ ref('rivers') }} where level > random()"},
        r"test fresh \(tests/fresh.sql\): random\(\)",
    ),
    "a macro": (
        {"macros/x.sql": "{% macro x() %}{{ env_var('X', '') }}{% endmacro %}"},
        r"macro x \(macros/x.sql\): env",
    ),
    "a variable": (
        {"dbt_project.yml": SETTINGS.replace("least: 1", "least: \"{{ env_var('X') }}\"")},
        r"vars\.least: env",
    ),
    "a property": (
        {"models/r.yml": "version: 2\nmodels: [{name: rivers, config: {alias: \"{{ env_var('X') }}\"}}]"},
        r"models/r\.yml: .*alias: env",
    ),
    "a hook": ({"dbt_project.yml": SETTINGS + "on-run-start: [select 1]\n"}, "on-run-start: what a hook does"),
    "a post-hook": ({"models/rivers.sql": "{{ config(post_hook='select 1') }}" + MODEL}, "post-hook: what a hook does"),
    "a header": (
        {"models/rivers.sql": "{% call set_sql_header(config) %}set x = 1;{% endcall %}" + MODEL},
        "sql_header: what a hook does",
    ),
    "a header for all": (
        {"dbt_project.yml": SETTINGS.replace("+schema: mart", "+schema: mart, +sql_header: set x = 1")},
        "sql_header: what a hook does",
    ),
    "a query by a macro": (
        {
            "macros/ask.sql": "{% macro ask(q) %}{% if execute %}{% do run_query(q) %}{% endif %}{% endmacro %}",
            "models/rivers.sql": "{% set q = 'select now()' %}{{ ask(q) }}" + MODEL,
        },
        r"model rivers \(models/rivers.sql\): now\(\)",
    ),
    "an undeclared variable": (
        {"models/rivers.sql": MODEL + " where level > {{ var('most', 3) }}"},
        r"var\('most'\) is not declared: give it a value under vars in dbt_project.yml",
    ),
    "incremental": (
        {"models/rivers.sql": "{{ config(materialized='incremental') }}" + MODEL},
        "no earlier rows to add to",
    ),
    "external": (
        {"models/rivers.sql": "{{ config(materialized='external') }}" + MODEL},
        "writes files beside the lake",
    ),
    "python": (
        {"models/py.py": "def model(dbt, session):\n    return dbt.source('raw', 'levels')\n"},
        "pandas_transform",
    ),
    "a snapshot": (
        {
            "snapshots/s.yml": "snapshots: [{name: s, relation: \"source('raw', 'levels')\", "
            "config: {unique_key: river, strategy: check, check_cols: all}}]"
        },
        r"snapshot s \(.*no earlier state",
    ),
    "an outside source": (
        {"models/sources.yml": SOURCES.replace("{name: levels}", "{name: levels, meta: {external_location: /a.csv}}")},
        "source raw.levels: it lies outside the lake",
    ),
}


# A model that no other project's file can harm.
OTHER = {"models/others.sql": "select river from {{ source('raw', 'levels') }}"}


# The model that alone is refused; in the other cases all are.
OF_ONE_MODEL = {
    **dict.fromkeys(["a model", "a test of a model", "a post-hook", "incremental", "external"], "rivers"),
    **dict.fromkeys(["a header", "a query by a macro", "an undeclared variable"], "rivers"),
    "python": "py",
}


@pytest.mark.parametrize("case", PROJECTS)
def test_a_project_that_differs_from_run_to_run_is_refused(tmp_path: Path, case: str) -> None:
    files, told = PROJECTS[case]
    project = DbtProject(dbt_folder(tmp_path / "small", OTHER | files), tmp_path / "states")
    project.prepare()
    with pytest.raises(DbtProblem, match=told) as caught:
        project.model(OF_ONE_MODEL.get(case, "rivers"))
    assert "\n" not in str(caught.value)
    if case in OF_ONE_MODEL:
        assert project.model("others").sources == (Address("raw", "levels"),)
    else:
        with pytest.raises(DbtProblem, match=told):
            project.model("others")


def test_what_dbt_cannot_compile_is_tried_again_and_is_forgotten_once_it_is_mended(tmp_path: Path) -> None:
    model = {"models/rivers.sql": "select * from {{ ref('nothing') }}"}
    project = DbtProject(dbt_folder(tmp_path / "small", model), tmp_path / "states")
    for known in (project, DbtProject(project.folder, project.states)):
        known.prepare()
        assert known.is_judged
        assert not known.is_prepared
        with pytest.raises(DbtProblem, match=r"models/rivers.sql\) depends on a node named 'nothing'"):
            known.model("rivers")
    mended = DbtProject(dbt_folder(project.folder, {}), project.states)
    assert not mended.is_judged
    with pytest.raises(DbtProblem, match="has not compiled its present files"):
        mended.model("rivers")
    mended.prepare()
    assert [file.name for file in project.states.iterdir()] == [mended.digest[:16]]


def built(folder: Path, states: Path, files: dict[str, str], scratch: str = "1", **variables: int) -> Build:
    project = DbtProject(dbt_folder(folder, files), states)
    project.prepare()

    def register(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("CREATE SCHEMA raw")
        connection.execute("CREATE TABLE raw.levels AS SELECT 'Elbe' AS river, 7 AS level")

    (states / scratch).mkdir()
    return build_marts(
        project,
        ["rivers"],
        scratch=states / scratch,
        register=register,
        lake=Store(str(states)),
        variables={"threads": 2} | variables,
    )


ORDINARY = {
    "dbt_project.yml": SETTINGS.replace("name: small", "name: small\nprofile: company"),
    "profiles.yml": "company: {target: dev, outputs: {dev: {type: postgres}}}",
    "models/sources.yml": (
        "version: 2\nsources: [{name: company, schema: raw, tables: [{name: water, identifier: levels}]}]"
    ),
    "models/staging/stg_levels.sql": "{{ config(materialized='view') }}select * from {{ source('company', 'water') }}",
    "models/rivers.sql": "{{ config(schema='reports') }}select river, level from {{ ref('stg_levels') }}",
}


def test_an_ordinary_project_needs_nothing_of_ours(tmp_path: Path) -> None:
    build = built(tmp_path / "small", tmp_path / "states", ORDINARY)
    assert build.rows("rivers").to_pylist() == [{"river": "Elbe", "level": 7}]
    project = DbtProject(tmp_path / "small", tmp_path / "states")
    assert project.model("rivers").relation == ("mart_reports", "rivers")
    assert project.model("rivers").sources == (Address("raw", "levels"),)
    assert project.model("rivers").models == ("stg_levels",)


def test_a_seed_is_read_and_counts(tmp_path: Path) -> None:
    files = {"seeds/names.csv": "river,name\nElbe,a\n", "models/rivers.sql": "select * from {{ ref('names') }}"}
    make = partial(built, tmp_path / "small", tmp_path / "states")
    assert make(files).rows("rivers").to_pylist() == [{"river": "Elbe", "name": "a"}]
    changed = make(files | {"seeds/names.csv": "river,name\nElbe,b\n"}, "2")
    assert changed.rows("rivers").to_pylist() == [{"river": "Elbe", "name": "b"}]


def test_what_only_this_run_compiles_is_refused_too(tmp_path: Path) -> None:
    model = MODEL + "{% if var('least') > 1 %} where level < random() {% endif %}"
    with pytest.raises(MartsFailed, match=r"rivers: random\(\) differs from run to run"):
        built(tmp_path / "small", tmp_path / "states", {"models/rivers.sql": model}, least=2)


def test_dbt_reaches_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text("a\n1\n")
    reading = "{% if execute %}{% do run_query(\"from '" + str(tmp_path / "outside.csv") + "'\") %}{% endif %}" + MODEL
    with pytest.raises(DbtProblem, match=r"outside\.csv"):
        built(tmp_path / "small", tmp_path / "states", {"models/rivers.sql": reading})


def test_variables_of_dbt_itself_have_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_EMPTY", "1")
    assert built(tmp_path / "small", tmp_path / "states", {}).rows("rivers").num_rows == 1
    assert os.environ["DBT_EMPTY"] == "1"


def test_a_unit_test_that_fails_shows_its_difference(tmp_path: Path) -> None:
    unit = """
unit_tests:
  - name: takes_all
    model: rivers
    given: [{input: "source('raw', 'levels')", rows: [{river: Elbe, level: 3}]}]
    expect: {rows: [{river: Elbe, level: 4}]}
"""
    (failure, *_) = built(tmp_path / "small", tmp_path / "states", {"models/unit.yml": unit}).failures
    assert (failure.kind, failure.name, failure.model) == ("unit_test", "takes_all", "rivers")
    assert str(failure) == "unit test takes_all: actual differs from expected: / @@,river,level / → ,Elbe ,4→3"


CHANGES = [
    "seeds/a.csv",
    "snapshots/a.sql",
    "analyses/a.sql",
    "dbt_packages/p/macros/a.sql",
    "packages.yml",
    "x/own.sql",
]


@pytest.mark.parametrize("changed", [*CHANGES, "../shared/m.sql", "package-lock.yml", "models/docs.md"])
def test_every_file_that_dbt_reads_counts(tmp_path: Path, changed: str) -> None:
    settings = SETTINGS + "macro-paths: [macros, x, ../shared]\n"
    folder = dbt_folder(
        tmp_path / "small", {"dbt_project.yml": settings, "dbt_packages/p/dbt_project.yml": "name: p\n"}
    )
    before = DbtProject(folder, tmp_path).digest
    (folder / changed).parent.mkdir(parents=True, exist_ok=True)
    (folder / changed).write_text("-- changed")
    assert DbtProject(folder, tmp_path).digest != before


@pytest.mark.parametrize(
    "written", [".user.yml", "profiles.yml", "target/manifest.json", "logs/dbt.log", "built/x.json"]
)
def test_what_dbt_writes_does_not_count(tmp_path: Path, written: str) -> None:
    settings = SETTINGS + ("target-path: built\n" if written.startswith("built") else "")
    folder = dbt_folder(tmp_path / "small", {"dbt_project.yml": settings})
    before = DbtProject(folder, tmp_path).digest
    dbt_folder(folder, {"dbt_project.yml": settings, written: "{}"})
    assert DbtProject(folder, tmp_path).digest == before


def test_a_project_without_flags_leaves_no_trace_in_itself(tmp_path: Path) -> None:
    folder = dbt_folder(tmp_path / "small", {})
    before = sorted(folder.rglob("*"))
    project = DbtProject(folder, tmp_path / "states")
    project.prepare()
    assert sorted(folder.rglob("*")) == before
    assert DbtProject(folder, tmp_path / "states").is_prepared
