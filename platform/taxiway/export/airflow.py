"""A DAG of Airflow 3 that drives the project by its command line; Airflow's environment needs no Taxiway."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from string import Template
from zoneinfo import ZoneInfo

from taxiway.calendar import GRAINS, Calendar, Grain, Interval
from taxiway.errors import UsageError
from taxiway.export.stages import Stage

_WIDTH = 88  # what formatters allow unless they are told otherwise
_KEY = re.compile(r"[^A-Za-z0-9_.-]+")  # no part of a name to Airflow
_PARTITION = "PARTITION"
_LONGEST = timedelta(days=62)  # in so many a whole partition of every grain lies
_SCHEDULES: Mapping[Grain, str] = {"hour": "0 * * * *", "day": "0 0 * * *", "week": "0 0 * * 1", "month": "0 0 1 * *"}
_FORMATS: Mapping[Grain, str] = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}

_FILE = Template('''\
"""The tables of $dag by $grain, a task a layer. Written by: taxiway export airflow

Variables of Airflow say what differs from place to place: taxiway_command, the command
with its path, and taxiway_deployment. TAXIWAY_* variables are those of the worker.
"""

import shlex
from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator, CronDataIntervalTimetable, Param
from airflow.sdk.exceptions import AirflowException, AirflowFailException

ZONE = "$zone"  # the clock on which a $grain begins
PARTITION = "{{ params.partition or partition_of(data_interval_start) }}"
DEPLOYMENT = "{{ var.value.get('taxiway_deployment', '$deployment') }}"

# The words of each command, and the tasks that come before it.
COMMANDS = {
$commands
}
AFTER = {
$after
}


def partition_of(start: datetime) -> str:
    """The $grain that begins at an instant."""
    $begins


class Taxiway(BaseOperator):
    """One command. What failed or was refused is not tried again, a lost process is."""

    template_fields = ("program", "words")

    def __init__(self, *, words: list[str], **options) -> None:
        super().__init__(**options)
        self.program = "{{ var.value.get('taxiway_command', 'taxiway') }}"
        self.words = [*words, "--deployment", DEPLOYMENT]
        self.hook = SubprocessHook()

    def execute(self, context) -> None:
        """Run it to its end, with what it prints in the log of the task."""
        try:
            done = self.hook.run_command([*shlex.split(self.program), *self.words])
        except OSError as error:
            told = f"{error}: set the Variable taxiway_command"
            raise AirflowFailException(told) from error
        code = done.exit_code
        if code < 0 or code > 128:  # a signal ended it, or a shell says that one did
            raise AirflowException(f"its process was lost (exit code {code})")
        if code:
            raise AirflowFailException(f"exit code {code}: {done.output}")

    def on_kill(self) -> None:
        """End it with the task, and a run of Dagster's queue that it follows."""
        self.hook.send_sigterm()


with DAG(
    "$dag",
    schedule=CronDataIntervalTimetable("$schedule", timezone=ZONE),
    start_date=$first,
    end_date=$last,
    # Each $grain is due once, and those before this DAG was there are due as well.
    catchup=True,
    # One looks back at those before it, and tables without partitions are made by all.
    max_active_runs=1,
    default_args={"retries": 2},
    params={
        "partition": Param(
            None,
            type=["null", "string"],
            pattern="^[0-9]{4}-[0-9TW:+-]+$$",
            description="Another time than that of the run, as $example",
        ),
    },
    user_defined_macros={"partition_of": partition_of},
    tags=["taxiway"],
):
    tasks = {name: Taxiway(task_id=name, words=COMMANDS[name]) for name in COMMANDS}
    for name, task in tasks.items():
        task.set_upstream([tasks[each] for each in AFTER.get(name, [])])
        # The schedule ends; without this a run that is triggered later has no tasks.
        task.end_date = datetime(9999, 1, 1, tzinfo=ZoneInfo(ZONE))
''')


def render_dag(project: str, deployment: str, calendar: Calendar, ordered: Sequence[Stage]) -> str:
    """The text of a DAG with a task for each stage, scheduled by the shortest grain, for each partition once over.

    It is called as the project, with `_` for what Airflow allows in no name. Where no table has partitions, it is due
    each day. Raises UsageError where the calendar has no partition of that grain.
    """
    words = {
        stage.name: (*map(_text, stage.words), *(('"--partition"', _PARTITION) if stage.grain is not None else ()))
        for stage in ordered
    }
    found: list[Grain] = [grain for grain in GRAINS if any(stage.grain == grain for stage in ordered)]
    grain = found[0] if found else "day"
    keys = calendar.overlapping(grain, Interval(calendar.bounds.start, calendar.bounds.start + _LONGEST))
    if not keys:
        raise UsageError(f"the calendar of this deployment ({calendar}) has no whole {grain}")
    first, last = keys[0], calendar.keys(grain)[-1] if calendar.end is not None else None
    return _FILE.substitute(
        dag=_KEY.sub("_", project),
        deployment=deployment,
        zone=calendar.zone,
        grain=grain,
        schedule=_SCHEDULES[grain],
        begins=_begins(grain),
        example=first,
        first=_start(calendar, first),
        last=_start(calendar, last) if last is not None else "None",
        commands="\n".join(_item(name, each) for name, each in words.items()),
        after="\n".join(_item(stage.name, [*map(_text, stage.needs)]) for stage in ordered if stage.needs),
    )


def _begins(grain: Grain) -> str:
    """The lines that return the key of the partition that begins at `start`."""
    if grain != "hour":
        return f'return start.astimezone(ZoneInfo(ZONE)).strftime("{_FORMATS[grain]}")'
    return (
        "shown = start.astimezone(ZoneInfo(ZONE))\n"
        "    # The second of an hour that is shown twice has its offset.\n"
        f'    return shown.strftime("{_FORMATS[grain]}%z" if shown.fold else "{_FORMATS[grain]}")'
    )


def _item(name: str, values: Sequence[str]) -> str:
    """An entry of a dict whose value is a list, as formatters write it."""
    line = f"    {_text(name)}: [{', '.join(values)}],"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"    {_text(name)}: [", *(f"        {value}," for value in values), "    ],"])


def _text(word: str) -> str:
    """A literal of a word of the command line or a layer's name, neither of which holds a quote."""
    return f'"{word}"'


def _start(calendar: Calendar, key: str) -> str:
    """When a partition begins, as Python writes it on the project's clock."""
    shown = calendar.span(key).start.astimezone(ZoneInfo(calendar.zone))
    parts = [shown.year, shown.month, shown.day, *([shown.hour] if shown.hour else [])]
    return f"datetime({', '.join(map(str, parts))}, tzinfo=ZoneInfo(ZONE))"
