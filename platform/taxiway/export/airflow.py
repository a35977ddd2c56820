"""A DAG of Airflow 3 that drives the project by its command line; Airflow's environment needs no Taxiway."""

import re
from collections.abc import Sequence
from string import Template

from taxiway.export.stages import Stage
from taxiway.partitions import Months, parse_month, shift_month

_WIDTH = 88  # what formatters allow unless they are told otherwise
_KEY = re.compile(r"[^A-Za-z0-9_.-]+")  # no part of a name to Airflow
_MONTH = "MONTH"

_FILE = Template('''\
"""The tables of $dag by month, a task a layer. Written by: taxiway export airflow

Variables of Airflow say what differs from place to place: taxiway_command, the command
with its path, and taxiway_deployment. TAXIWAY_* variables are those of the worker.
"""

import shlex
from datetime import datetime
from zoneinfo import ZoneInfo

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator, CronDataIntervalTimetable, Param
from airflow.sdk.exceptions import AirflowException, AirflowFailException

ZONE = "$zone"  # the clock on which a month begins
MONTH = "{{ params.month or month_of(data_interval_start) }}"
DEPLOYMENT = "{{ var.value.get('taxiway_deployment', '$deployment') }}"

# The words of each command, and the tasks that come before it.
COMMANDS = {
$commands
}
AFTER = {
$after
}


def month_of(start: datetime) -> str:
    """The month that begins at an instant."""
    return start.astimezone(ZoneInfo(ZONE)).strftime("%Y-%m")


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
    schedule=CronDataIntervalTimetable("0 0 1 * *", timezone=ZONE),
    start_date=datetime($first, 1, tzinfo=ZoneInfo(ZONE)),
    end_date=datetime($last, 1, tzinfo=ZoneInfo(ZONE)),
    # Each month is due once, and those before this DAG was there are due as well.
    catchup=True,
    # A month looks back at those before it, and tables without months are made by all.
    max_active_runs=1,
    default_args={"retries": 2},
    params={
        "month": Param(
            None,
            type=["null", "string"],
            pattern="^[0-9]{4}-[0-9]{2}$$",
            description="Another month than that of the run, as 2013-01",
        ),
    },
    user_defined_macros={"month_of": month_of},
    tags=["taxiway"],
):
    tasks = {name: Taxiway(task_id=name, words=COMMANDS[name]) for name in COMMANDS}
    for name, task in tasks.items():
        task.set_upstream([tasks[each] for each in AFTER.get(name, [])])
        # The schedule ends; without this a run that is triggered later has no tasks.
        task.end_date = datetime(9999, 1, 1, tzinfo=ZoneInfo(ZONE))
''')


def render_dag(project: str, deployment: str, months: Months, ordered: Sequence[Stage]) -> str:
    """The text of a DAG with a task for each stage, scheduled for each of the months once it is over.

    It is called as the project, with `_` for what Airflow allows in no name.
    """
    words = {
        stage.name: (*map(_text, stage.words), *(('"--month"', _MONTH) if stage.monthly else ())) for stage in ordered
    }
    return _FILE.substitute(
        dag=_KEY.sub("_", project),
        deployment=deployment,
        zone=months.zone,
        first=_date(months.first),
        last=_date(shift_month(months.end, -1)),
        commands="\n".join(_item(name, each) for name, each in words.items()),
        after="\n".join(_item(stage.name, [*map(_text, stage.needs)]) for stage in ordered if stage.needs),
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


def _date(month: str) -> str:
    year, number = parse_month(month)
    return f"{year}, {number}"
