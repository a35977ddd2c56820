"""Marts are published only if dbt's tests and every contract pass, and Dagster says so of nothing else."""

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import dagster as dg
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from tests.assets.mart_sources import TABLES, publish_sources, write_sources
from tests.working import contents, publish

from flights import marts
from taxiway.addresses import Address
from taxiway.contracts import row_rule
from taxiway.engines import open_engine
from taxiway.errors import ContractBroken, DbtProblem, DefinitionError, LakeError
from taxiway.lake import WHOLE, Lake
from taxiway.marts import DbtProject, MartsOutcome, materialise_marts
from taxiway.materialise import Workspace
from taxiway.orchestration.marts import marts_asset
from taxiway.orchestration.table_asset import ACCEPT_FEWER_TAG, FORCE_TAG, asset_key
from taxiway.settings import load_settings
from taxiway.tables import Project, Table

SOURCES = Path(__file__).parents[2] / "dbt_project"
MARTS = [asset_key(mart) for mart in marts.tables]
LIMIT, NOTED = "most_flights", "noted_flights"


@pytest.fixture(scope="module")
def dbt_project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    """The real project with two more tests, of which one fails and one warns where a setting is low."""
    folder = tmp_path_factory.mktemp("dbt") / "dbt_project"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("target", "logs"))
    settings = folder / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("vars:\n", f"vars:\n  {LIMIT}: 1000000\n  {NOTED}: 1000000\n"))
    large = "select carrier, flights from {{{{ ref('carrier_month') }}}} where flights > {{{{ var('{}') }}}}"
    (folder / "tests" / "carriers_stay_small.sql").write_text(large.format(LIMIT))
    noted = "{{ config(severity='warn') }}" + large.format(NOTED)
    (folder / "tests" / "large_carriers_are_noted.sql").write_text(noted)
    project = DbtProject(folder, folder.parent / "states")
    project.prepare()
    return project


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sources(tmp_path_factory.mktemp("month"), ("2013-02", "2013-02"))


Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def workspace(tmp_path: Path, month: Path) -> Callable[..., Workspace]:
    def make(tables: tuple[Table, ...] = marts.tables, **parameters: int) -> Workspace:
        settings = load_settings("local", home=tmp_path, parameters={"late_min": 15} | parameters)
        made = Workspace(Project("flights", (*TABLES, *tables)), settings)
        if not made.lake.tables():
            publish_sources(made.lake, month)
        return made

    return make


@pytest.fixture
def run(dbt_project: DbtProject) -> Run:
    instance = dg.DagsterInstance.ephemeral()

    def execute(workspace: Workspace, **options: object) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [marts_asset(workspace, dbt_project)],
            resources={"workspace": workspace, "open_engine": lambda name: open_engine(workspace.settings, name)},
            instance=instance,
            raise_on_error=False,
            **options,  # pyright: ignore[reportArgumentType]
        )

    return execute


def published(workspace: Workspace) -> dict[str, int]:
    return {str(a): workspace.lake.open(a).version for a in workspace.lake.tables() if a.layer == "mart"}


def materialised(result: dg.ExecuteInProcessResult) -> set[dg.AssetKey]:
    return {event.asset_key for event in result.get_asset_materialization_events() if event.asset_key is not None}


def statuses(result: dg.ExecuteInProcessResult) -> list:
    events = result.get_asset_materialization_events()
    return [event.step_materialization_data.materialization.metadata["status"].value for event in events]


def evaluations(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    return {(check.asset_key.path[-1], check.check_name): check for check in result.get_asset_check_evaluations()}


def test_all_marts_are_published_with_checks_and_lineage_to_features(workspace, run: Run) -> None:
    here = workspace()
    result = run(here)
    assert result.success
    assert published(here) == {mart.at: 0 for mart in marts.tables}
    assert materialised(result) == set(MARTS)
    checks = evaluations(result)
    assert all(check.passed for check in checks.values())
    assert {("carrier_month", name) for name in ("schema", "key", "rows", "carriers_stay_small")} <= set(checks)
    for event in result.get_asset_materialization_events():
        told = event.step_materialization_data.materialization
        assert told.tags is not None
        state = here.lake.open(here.project.table("/".join(told.asset_key.path)).address).partitions[WHOLE]
        assert told.tags["dagster/data_version"] == state.data_version
        lineage = told.metadata["dagster/column_lineage"].value
        assert isinstance(lineage, dg.TableColumnLineage)
        if told.asset_key.path[-1] == "airport_day":
            found = {
                name: [(d.asset_key.path, d.column_name) for d in deps] for name, deps in lineage.deps_by_column.items()
            }
            assert found["late_share"] == [(["feature", "flights"], "arr_delay_min")]
            assert found["max_wind_speed_mph"] == [(["raw", "weather"], "wind_speed")]
            assert found["flights"] == []


def test_failing_dbt_test_publishes_no_mart_and_nothing_is_said_to_be_materialised(
    workspace, run: Run, month: Path
) -> None:
    here = workspace(most_flights=3000)
    result = run(here)
    assert not result.success
    assert published(here) == {}
    assert materialised(result) == set()
    checks = evaluations(result)
    failing = checks["carrier_month", "carriers_stay_small"]
    carriers = Counter(pq.read_table(month / "feature.flights.parquet")["carrier"].to_pylist())
    large = {carrier: flights for carrier, flights in carriers.items() if flights > 3000}
    assert failing.metadata["failing_rows"].value == len(large)
    samples = failing.metadata["samples"].value
    assert isinstance(samples, dg.TableMetadataValue)
    assert {record.data["carrier"]: record.data["flights"] for record in samples.records} == large
    assert [name for name, check in checks.items() if not check.passed] == [("carrier_month", "carriers_stay_small")]
    assert ("airport_day", "rows") not in checks, "the guard was not reached, so it says nothing"


def test_failing_dbt_test_leaves_what_is_published_as_it_was(workspace, run: Run) -> None:
    assert run(workspace()).success
    here = workspace(most_flights=3000)
    before = published(here)
    result = run(here)
    assert not result.success
    assert published(here) == before
    assert materialised(result) == set()


def test_broken_contract_publishes_no_mart(workspace, run: Run) -> None:
    class SmallCarriers(marts.CarrierMonth):
        """One small carrier in one month."""

        @row_rule("the carrier is small")
        def small(t: ir.Table) -> ir.BooleanValue:
            return t.flights <= 3000

    others = tuple(mart for mart in marts.tables if mart.contract is not marts.CarrierMonth)
    here = workspace((*others, Table("mart/carrier_month", contract=SmallCarriers)))
    result = run(here)
    assert not result.success
    assert published(here) == {}
    assert materialised(result) == set()
    failed = {name: check for name, check in evaluations(result).items() if not check.passed}
    assert list(failed) == [("carrier_month", "rows")]
    assert [name for name in failed["carrier_month", "rows"].metadata if name.startswith("samples")]


def test_marts_that_are_current_are_neither_built_nor_published_again(workspace, run: Run) -> None:
    here = workspace()
    first = run(here)
    before = published(here)
    again = run(here)
    assert again.success
    assert evaluations(again).keys() == evaluations(first).keys()
    assert all(check.passed for check in evaluations(again).values())
    assert materialised(again) == set(MARTS)
    assert statuses(again) == ["skipped"] * len(MARTS)
    forced = run(here, tags={FORCE_TAG: "true"})
    assert statuses(forced) == ["unchanged"] * len(MARTS)
    assert published(here) == before


NOTED_CHECK = ("carrier_month", "large_carriers_are_noted")


def warnings(result: dg.ExecuteInProcessResult) -> list[tuple[str, str]]:
    """The checks that warn; no other fails."""
    failed = {name: check for name, check in evaluations(result).items() if not check.passed}
    assert all(check.severity == dg.AssetCheckSeverity.WARN for check in failed.values())
    return list(failed)


def test_a_warning_of_dbt_stays_while_its_rows_are_published(workspace, run: Run) -> None:
    here = workspace(noted_flights=3000)
    first = run(here)
    assert first.success
    assert warnings(first) == [NOTED_CHECK]
    again = run(here)
    assert statuses(again) == ["skipped"] * len(MARTS)
    assert warnings(again) == [NOTED_CHECK]
    assert "large_carriers_are_noted: Got" in str(evaluations(again)[NOTED_CHECK].description)
    # Computed and found to be as it was, with nothing to be noted of it any more.
    relaxed = run(workspace())
    assert statuses(relaxed) == ["unchanged"] * len(MARTS)
    assert warnings(relaxed) == []
    assert warnings(run(workspace())) == []


def test_a_run_that_is_refused_hides_no_warning_of_what_is_published(workspace, run: Run) -> None:
    assert run(workspace(noted_flights=3000)).success
    refused = run(workspace(most_flights=3000))
    assert not refused.success
    checks = evaluations(refused)
    assert checks["carrier_month", "carriers_stay_small"].severity == dg.AssetCheckSeverity.ERROR
    assert not checks[NOTED_CHECK].passed
    assert checks[NOTED_CHECK].severity == dg.AssetCheckSeverity.WARN


def test_checks_that_keep_a_mart_from_being_published_are_shown_as_blocking(workspace, dbt_project: DbtProject) -> None:
    specs = marts_asset(workspace(), dbt_project).check_specs
    blocking = {spec.name: spec.blocking for spec in specs if spec.asset_key.path[-1] == "carrier_month"}
    assert all(blocking[name] for name in ("schema", "key", "rows", "carriers_stay_small"))
    assert not blocking["large_carriers_are_noted"]


def test_a_mart_opens_the_files_of_its_model_and_its_contract(workspace, dbt_project: DbtProject) -> None:
    (spec,) = (spec for spec in marts_asset(workspace(), dbt_project).specs if spec.key.path[-1] == "carrier_month")
    model, contract = spec.metadata["dagster/code_references"].code_references
    assert Path(model.file_path) == dbt_project.folder / "models" / "marts" / "carrier_month.sql"
    assert Path(contract.file_path) == Path(str(marts.__file__))
    assert Path(contract.file_path).read_text().splitlines()[contract.line_number - 1].startswith("class CarrierMonth(")


def rewrite(lake: Lake, at: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Another program replaces a table, columns and all."""
    snapshot = lake.open(Address.parse(at))
    by = snapshot.partition_column
    changed = change(contents(lake, at))
    write_deltalake(snapshot.uri, changed, mode="overwrite", schema_mode="overwrite", partition_by=[by] if by else None)


def without_its_delay(flights: pa.Table) -> pa.Table:
    """As other code published it: the same values under another name."""
    return flights.rename_columns([name.replace("dep_delay_min", "departure_delay") for name in flights.schema.names])


Change = Callable[[pa.Table], pa.Table]
SHAPES: dict[str, tuple[Change, str]] = {
    "renamed": (without_its_delay, "departure_delay is gone"),
    "missing": (lambda flights: flights.drop_columns(["distance_mi"]), "distance_mi is new and may not be null"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_source_without_a_column_of_its_contract_publishes_no_mart(
    workspace, dbt_project: DbtProject, tmp_path: Path, shape: str
) -> None:
    here = workspace()
    change, told = SHAPES[shape]
    rewrite(here.lake, "feature/flights", change)
    with pytest.raises(LakeError, match=f"feature/flights: its columns changed .*{told}"):
        bring_up_to_date(here, dbt_project, tmp_path)
    assert published(here) == {}


def test_mart_whose_columns_changed_keeps_every_mart_as_it_was(
    workspace, dbt_project: DbtProject, tmp_path: Path
) -> None:
    here = workspace()
    assert bring_up_to_date(here, dbt_project, tmp_path).refused == ()
    rewrite(here.lake, "mart/airport_day", lambda rows: rows.slice(0, 10))
    rewrite(
        here.lake,
        "mart/prediction_quality",
        lambda rows: rows.append_column("old", pa.nulls(rows.num_rows, pa.string())),
    )
    before = published(here)
    with pytest.raises(LakeError, match=r"old is gone.*taxiway run mart/prediction_quality --rebuild"):
        bring_up_to_date(here, dbt_project, tmp_path)
    assert published(here) == before


def test_marts_read_the_months_of_the_deployment_alone(dbt_project: DbtProject, tmp_path: Path) -> None:
    settings = load_settings("local", home=tmp_path / "home", end="2013-02")
    here = Workspace(Project("flights", (*TABLES, *marts.tables)), settings)
    publish_sources(here.lake, write_sources(tmp_path, ("2013-01", "2013-02")))
    assert bring_up_to_date(here, dbt_project, tmp_path).refused == ()
    assert set(contents(here.lake, "feature/flights")["month"].to_pylist()) == {"2013-01", "2013-02"}
    assert set(contents(here.lake, "mart/carrier_month")["month"].to_pylist()) == {"2013-01"}
    assert max(contents(here.lake, "mart/airport_day")["flight_date"].to_pylist()) == date(2013, 1, 31)


def bring_up_to_date(workspace: Workspace, project: DbtProject, folder: Path) -> MartsOutcome:
    """Materialise all marts, without Dagster."""
    scratch = Path(mkdtemp(dir=folder))
    engine = open_engine(workspace.settings)
    return materialise_marts(workspace, project, marts.tables, engine, scratch=scratch, run="test")


def test_selected_mart_alone_is_built_tested_and_published(workspace, run: Run) -> None:
    here = workspace(most_flights=3000)
    result = run(here, selection=[dg.AssetKey(["mart", "airport_day"])])
    assert result.success, "the test that fails is of another mart"
    assert list(published(here)) == ["mart/airport_day"]
    assert materialised(result) == {dg.AssetKey(["mart", "airport_day"])}
    assert {name for mart, name in evaluations(result) if mart != "airport_day"} == set()
    assert not run(here, selection=[dg.AssetKey(["mart", "carrier_month"])]).success


def test_mart_without_an_input_alone_is_left_out(workspace, run: Run) -> None:
    here = workspace()
    shutil.rmtree(Path(here.settings.lake.uri) / "model" / "predictions")
    result = run(here)
    assert not result.success
    others = [mart.at for mart in marts.tables if mart.at != "mart/prediction_quality"]
    assert sorted(published(here)) == sorted(others)
    assert materialised(result) == {key for key in MARTS if key.path[-1] != "prediction_quality"}
    assert statuses(result) == ["published"] * len(others)
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    told = failure.user_failure_data.description or ""
    assert told.startswith("mart/prediction_quality: model/predictions has not been published; make it first")


def test_sum_of_whole_numbers_is_told_with_its_cast(workspace, dbt_project: DbtProject, tmp_path: Path) -> None:
    folder = tmp_path / "dbt_project"
    shutil.copytree(dbt_project.folder, folder)
    mart = folder / "models" / "marts" / "carrier_month.sql"
    mart.write_text(f"select * replace (flights::hugeint as flights) from ({mart.read_text()})")
    changed = DbtProject(folder, tmp_path / "states")
    changed.prepare()
    with pytest.raises(ContractBroken, match=r"carrier_month\.sql does not give its contract") as caught:
        bring_up_to_date(workspace(), changed, tmp_path)
    assert 'DuckDB adds whole numbers up as HUGEINT: write (...)::BIGINT AS "flights"' in str(caught.value)
    assert "month is" not in str(caught.value), "of the others nothing is said"


def test_files_that_dbt_has_not_compiled_are_refused(workspace, dbt_project: DbtProject, tmp_path: Path) -> None:
    folder = tmp_path / "dbt_project"
    shutil.copytree(dbt_project.folder, folder)
    mart = folder / "models" / "marts" / "airport_day.sql"
    mart.write_text(mart.read_text() + "\nwhere flights > 0\n")
    with pytest.raises(DefinitionError, match="taxiway run"):
        marts_asset(workspace(), DbtProject(folder, dbt_project.states))


def test_project_that_dbt_cannot_compile_is_refused_in_its_words(dbt_project: DbtProject, tmp_path: Path) -> None:
    folder = tmp_path / "dbt_project"
    shutil.copytree(dbt_project.folder, folder, ignore=shutil.ignore_patterns("target"))
    (folder / "models" / "marts" / "lost.sql").write_text("select * from {{ source('feature', 'nowhere') }}")
    project = DbtProject(folder, tmp_path / "states")
    project.prepare()
    with pytest.raises(DbtProblem, match=r"models/marts/lost\.sql.*feature\.nowhere"):
        project.model("carrier_month")
    assert not project.is_prepared


def test_a_mart_that_comes_out_empty_is_refused_until_that_is_accepted(workspace, run: Run) -> None:
    here = workspace()
    at, selection = Address.parse("mart/carrier_month"), [dg.AssetKey(["mart", "carrier_month"])]
    flights = here.lake.open(Address.parse("feature/flights"))
    publish(here.lake, "feature/flights", flights.schema.empty_table(), ["2013-02"], flights)
    schema = here.project.table(at).rules.schema
    rows = pa.table([pa.nulls(16, field.type) for field in schema], schema=schema)
    publish(here.lake, str(at), rows, [WHOLE])
    refused = run(here, selection=selection)
    assert published(here) == {str(at): 0}
    (failure,) = refused.get_step_failure_events()
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert f"0 rows where 16 are published, below the share of 0.1; to accept it: taxiway run {at} --accept-fewer" in (
        told.description or ""
    )
    assert not evaluations(refused)["carrier_month", "rows"].passed
    assert run(here, selection=selection, tags={ACCEPT_FEWER_TAG: "true"}).success
    assert contents(here.lake, at).num_rows == 0
    assert here.lake.open(at).partitions[WHOLE].accepted_fewer
