"""The notebooks, executed on real flights as Jupyter does, and what the README says of their numbers."""

import json
import os
import re
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from tests.working import ROOT, land, rows, run, workspace

from flights.project import project
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace

FOLDER = ROOT / "notebooks"
USUAL, ON_TAXIWAY = FOLDER / "as_it_usually_is.ipynb", FOLDER / "on_taxiway.ipynb"
# One month to train on and one to predict: the whole year is the demo's work.
MONTHS = ("2013-06", "2013-07")
PROMISED = r"ROC AUC on a random 20% of the flights: (0\.\d{3})"
OVER_TIME = r"ROC AUC of (\S+) to (\S+), each month by a model of the months before it: (0\.\d{3})"
IN_README = r"^\| {}.*\| (0\.\d{{3}}) \|$"

# The first test to run also makes the tables.
pytestmark = pytest.mark.timeout(900)


def printed(notebook: Path, home: Path) -> str:
    """What a notebook prints, on the state in `home`; raises where one of its cells does."""
    client = NotebookClient(
        nbformat.read(notebook, as_version=4), timeout=240, resources={"metadata": {"path": str(FOLDER)}}
    )
    own = {"TAXIWAY_HOME": home, "IPYTHONDIR": home.parent / "ipython", "JUPYTER_RUNTIME_DIR": home.parent / "runtime"}
    done = client.execute(env=os.environ | {name: str(value) for name, value in own.items()})
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def found(pattern: str, text: str) -> tuple[str, ...]:
    """The groups of a pattern that must occur once."""
    (match,) = re.finditer(pattern, text, re.MULTILINE)
    return match.groups()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The publisher's files of the year, and all tables but the marts of `MONTHS`."""
    made = workspace(tmp_path_factory.mktemp("notebooks") / "home", project, months=12, zone="America/New_York")
    land(made)
    for table in project.in_order:
        run(made, table.at, MONTHS if table.is_partitioned else WHOLE)
    return made


@pytest.fixture(scope="module")
def usual(place: Workspace) -> str:
    """What the usual notebook prints."""
    return printed(USUAL, place.settings.home)


def test_the_usual_notebook_promises_more_than_any_month_keeps(usual: str) -> None:
    (promised,) = map(float, found(PROMISED, usual))
    first, last, kept = found(OVER_TIME, usual)
    months = {month: float(value) for month, value in re.findall(r"^(2013-\d\d): (0\.\d{3})$", usual, re.MULTILINE)}
    assert list(months) == [f"2013-{month:02d}" for month in range(7, 13)]
    assert (first, last) == (min(months), max(months))
    assert min(months.values()) < float(kept) < max(months.values())
    assert promised - max(months.values()) > 0.05
    assert promised - float(kept) > 0.1


def test_the_readme_says_what_the_usual_notebook_prints(usual: str) -> None:
    readme = (ROOT / "README.md").read_text()
    said = partial(found, text=readme)
    assert said(IN_README.format("As it usually is")) == found(PROMISED, usual)
    assert said(IN_README.format("The same flights and model, honestly")) == found(OVER_TIME, usual)[2:]


def test_on_taxiway_the_number_is_the_one_that_was_published(place: Workspace, usual: str) -> None:
    before = {at: place.lake.open(at).version for at in place.lake.tables()}
    first, last, value = found(OVER_TIME, printed(ON_TAXIWAY, place.settings.home))
    assert {at: place.lake.open(at).version for at in place.lake.tables()} == before
    (evaluated,) = rows(place.lake, "model/evaluation")
    assert first == last == evaluated["month"] == MONTHS[1]
    assert value == f"{evaluated['roc_auc']:.3f}"
    # Trained on one month, it still keeps more of July than the usual one trained on six.
    (usual_july,) = map(float, found(r"^2013-07: (0\.\d{3})$", usual))
    assert evaluated["roc_auc"] > usual_july
    assert evaluated["roc_auc"] > evaluated["route_hour_roc_auc"]


@pytest.mark.parametrize("notebook", [USUAL, ON_TAXIWAY], ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(notebook: Path) -> None:
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
