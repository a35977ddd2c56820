"""A trial: a table computed and guarded like any other, and not published."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from taxiway.contracts import Verdict, accepted, with_examples
from taxiway.engines import Engine
from taxiway.errors import DeliveryRefused, TableNotFound
from taxiway.materialise.execute import guard, samples_of
from taxiway.materialise.kinds import see_that_it_runs_on
from taxiway.materialise.plan import make_plan
from taxiway.materialise.stage import stage
from taxiway.materialise.workspace import Workspace
from taxiway.tables import Table
from taxiway.transforms.compile import to_sql


@dataclass(frozen=True)
class Trial:
    """What would be published: the rows that break no error, the guard's verdict, and rows that break each rule."""

    rows: pa.Table
    verdict: Verdict
    samples: Mapping[str, pa.Table]


def try_out(workspace: Workspace, table: Table, partition: str, engine: Engine) -> Trial:
    """Compute a partition of a table (`WHOLE` where it has none), which need not be of the project; publishes nothing.

    Raises TableNotFound where an input has not been published, DeliveryRefused where a delivered file
    cannot be read, and what the transform itself raises.
    """
    plan = make_plan(workspace, table, [partition], force=True)
    see_that_it_runs_on(table, plan.compiled.kind, engine.name)
    with engine.session() as session:
        staged = stage(workspace, plan, session)
        if staged.refused:
            error = DeliveryRefused if table.files is not None else TableNotFound
            raise error(staged.refused[partition])
        verdict = guard(plan, session, [partition])[partition]
        rows = session.query(to_sql(accepted(table.rules, plan.compiled.staged), session.dialect))
        found = samples_of(plan, session, {partition: verdict})[partition]
        return Trial(rows.cast(table.rules.schema), with_examples(verdict, table.rules, found), found)
