"""A Python function of a table that depends on more than its arguments is refused where its source tells."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from uuid import uuid4

import pytest

from flights.project import project as flights
from taxiway.errors import DefinitionError
from taxiway.transforms import ArrowTransform
from taxiway.transforms.pure import check_pure


@pytest.fixture
def define(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Callable]]:
    """Makes the function `fit` of a module with this text; `helpers` is a module outside its package."""
    name = f"project_{uuid4().hex}"
    monkeypatch.syspath_prepend(tmp_path)

    def make(text: str, helpers: str = "") -> Callable:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "fit.py").write_text(text.replace("helpers", f"helpers_{name}"))
        (tmp_path / f"helpers_{name}.py").write_text(helpers)
        invalidate_caches()
        return import_module(f"{name}.fit").fit

    yield make
    for module in [module for module in sys.modules if name in module]:
        del sys.modules[module]


REFUSED = {
    "environment": (
        "import os\ndef fit(rows):\n    return os.environ.get('A')",
        "os.environ.get reads the environment",
    ),
    "getenv": ("from os import getenv\ndef fit(rows):\n    return getenv('A')", "os.getenv reads"),
    "environment by another name": ("from os import environ as e\ndef fit(rows):\n    return e.get('A')", "os.environ"),
    "environment of a default": (
        "import os\ndef fit(rows, n: str = os.environ.get('A', '')):\n    return n",
        "os.environ",
    ),
    "setdefault that is used": ("import os\ndef fit(rows):\n    return os.environ.setdefault('A', '1')", "os.environ"),
    "constant of the module": ("import os\nX = os.environ.get('A', '1')\ndef fit(rows):\n    return X", "os.environ"),
    "constant of a constant": ("import os\nE = os.environ\nX = dict(E)\ndef fit(rows):\n    return X", "os.environ"),
    "getattr": ("import os\ndef fit(rows):\n    return getattr(os, 'environ')", "os.environ reads"),
    "import within": ("def fit(rows):\n    import os\n    return os.environ['A']", "os.environ"),
    "star": ("from os import *\ndef fit(rows):\n    return getenv('A')", "os.getenv"),
    "clock": ("import time as t\ndef fit(rows):\n    return t.time()", "time.time tells the time of the run"),
    "clock that is passed on": ("import time\nclock = time.time\ndef fit(rows):\n    return clock()", "time.time"),
    "datetime": ("from datetime import datetime\ndef fit(rows):\n    return datetime.now()", "datetime.now tells"),
    "datetime, whole": ("import datetime as d\ndef fit(rows):\n    return d.datetime.utcnow().date()", "utcnow tells"),
    "date": ("from datetime import date\ndef fit(rows):\n    return date.today()", "date.today tells"),
    "pandas' clock": (
        "import pandas as pd\ndef fit(rows):\n    return pd.Timestamp.now()",
        "pandas.Timestamp.now tells",
    ),
    "pandas' word": (
        "import pandas as pd\ndef fit(rows):\n    return pd.Timestamp('now')",
        "tells the time of the run",
    ),
    "the machine's zone": ("def fit(rows):\n    return rows.astimezone()", "depends on the zone of the machine"),
    "random": ("import random\ndef fit(rows):\n    return random.random()", "random.random differs"),
    "numpy's": ("import numpy as np\ndef fit(rows):\n    return np.random.rand(3)", "numpy.random.rand differs"),
    "no seed": (
        "import numpy as np\ndef fit(rows):\n    return np.random.default_rng().random()",
        "default_rng differs",
    ),
    "seed None": ("import numpy as np\ndef fit(rows):\n    return np.random.default_rng(None)", "default_rng differs"),
    "numpy.random": ("from numpy import random as r\ndef fit(rows):\n    return r.normal()", "numpy.random.normal"),
    "sample": ("import pandas\ndef fit(rows):\n    return rows.sample(frac=0.5)", "random_state"),
    "sample by None": ("import pandas\ndef fit(rows):\n    return rows.sample(5, random_state=None)", "random_state"),
    "getattr of a clock": (
        "from datetime import datetime\ndef fit(rows):\n    return getattr(datetime, 'now')()",
        "datetime.datetime.now tells",
    ),
    "import by a word": ("def fit(rows):\n    return __import__('os').environ['A']", "__import__ of os reads"),
    "import by what is not seen": (
        "import importlib\ndef fit(rows):\n    importlib.import_module(rows)",
        "cannot be seen",
    ),
    "modules": ("import sys\ndef fit(rows):\n    return sys.modules['os'].environ", "sys.modules reads"),
    "globals": ("import os\ndef fit(rows):\n    return globals()['os'].environ", "globals runs what cannot be seen"),
    "id": ("def fit(rows):\n    return id(rows)", "id differs from process to process"),
    "range from now": (
        "import pandas as pd\ndef fit(rows):\n    return pd.date_range('now', periods=3)",
        "tells the time",
    ),
    "an engine of its own": (
        "import duckdb\ndef fit(rows):\n    return duckdb.sql('select now()')",
        "duckdb.sql reaches",
    ),
    "a path": (
        "from pathlib import Path\nP = Path('a')\ndef fit(rows):\n    return P.open().read()",
        r"\.open\(\) reads",
    ),
    "whether a file is there": ("from pathlib import Path\ndef fit(rows):\n    return Path('a').exists()", ".exists()"),
    "a file of a model": ("import lightgbm as l\ndef fit(rows):\n    return l.Booster(model_file='a')", "model_file="),
    "another library's files": (
        "def fit(rows):\n    import polars\n    return polars.scan_csv('a')",
        "polars.scan_csv reads",
    ),
    "uuid": ("import uuid\ndef fit(rows):\n    return uuid.uuid4()", "uuid.uuid4 differs"),
    "secrets": ("from secrets import token_hex\ndef fit(rows):\n    return token_hex()", "secrets.token_hex differs"),
    "hash": ("def fit(rows):\n    return hash('a')", "hash differs from process to process"),
    "open": ("def fit(rows):\n    return open('a').read()", "builtins.open reads or writes files"),
    "path": ("from pathlib import Path\ndef fit(rows):\n    return Path('a').read_text()", "read_text"),
    "csv": ("import pandas as pd\ndef fit(rows):\n    return pd.read_csv('a.csv')", "pandas.read_csv reads"),
    "parquet": ("import pyarrow.parquet as pq\ndef fit(rows):\n    return pq.read_table('a')", "read_table reads"),
    "network": (
        "from urllib.request import urlopen\ndef fit(rows):\n    return urlopen('http://a')",
        "reaches outside",
    ),
    "helper of the module": (
        "import time\ndef helper():\n    return time.time()\ndef fit(rows):\n    return helper()",
        "time.time",
    ),
    "method": (
        "import time\nclass A:\n    def b(self):\n        return time.time()\ndef fit(rows):\n    return A().b()",
        "time.time",
    ),
    "closure": (
        "import time\ndef make():\n    n = time.time()\n    def f(rows):\n        return n\n    return f\nfit = make()",
        "time.time",
    ),
    "lambda": ("import time\nfit = lambda rows: time.time()", "time.time"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_depends_on_more_than_its_arguments_is_refused(define: Callable[..., Callable], case: str) -> None:
    text, told = REFUSED[case]
    with pytest.raises(DefinitionError, match=told) as caught:
        check_pure(define(text), "feature/x")
    assert str(caught.value).startswith("feature/x: ")
    assert "fit.py:" in str(caught.value)
    assert "\n" not in str(caught.value)


HELPERS = {
    "a function": (
        "from helpers import f\ndef fit(rows):\n    return f()",
        "import os\ndef f():\n    return os.getenv('A')",
    ),
    "a module": ("import helpers\ndef fit(rows):\n    return helpers.X", "import os\nX = os.getenv('A')"),
    "what a helper imports": (
        "from helpers import e\ndef fit(rows):\n    return e['A']",
        "from os import environ as e",
    ),
    "all of it": (
        "from helpers import *\ndef fit(rows):\n    return f()",
        "import os\ndef f():\n    return os.getenv('A')",
    ),
    "an import within": (
        "def fit(rows):\n    from helpers import f\n    return f()",
        "def f():\n    import os\n    return os.getenv('A')",
    ),
}


@pytest.mark.parametrize("case", HELPERS)
def test_helpers_outside_the_package_are_looked_through(define: Callable[..., Callable], case: str) -> None:
    text, helpers = HELPERS[case]
    with pytest.raises(DefinitionError, match=r"helpers_.*\.py:|os\.environ"):
        check_pure(define(text, helpers), "feature/x")


PURE = {
    "seeds": "import numpy as np\ndef fit(rows, seed: int = 1):\n    return np.random.default_rng(seed).random()",
    "a seeded Random": "import random\ndef fit(rows):\n    return random.Random(7).sample([1, 2], 1)",
    "a seeded sample": "def fit(rows):\n    return rows.sample(frac=0.5, random_state=1)",
    "parts of a path": "import os\ndef fit(rows):\n    return os.path.basename('a/b')",
    "what is set": "import os\ndef fit(rows):\n    os.environ.setdefault('THREADS', '1')\n    os.environ['A'] = '1'",
    "a parameter of the name": "import time\ndef fit(rows, time):\n    return time.time()",
    "a parsed text": "import io, pandas as pd\ndef fit(rows):\n    return pd.read_csv(io.StringIO(rows))",
    "dates": "from datetime import datetime, UTC\ndef fit(rows):\n    return datetime.fromtimestamp(0, UTC)",
    "words": "def fit(rows):\n    return 'os.environ and time.time()'  # now()",
    "what it does not use": "import time\ndef other():\n    return time.time()\ndef fit(rows):\n    return rows",
}


@pytest.mark.parametrize("case", PURE)
def test_what_depends_on_its_arguments_alone_is_taken(define: Callable[..., Callable], case: str) -> None:
    check_pure(define(PURE[case]), "feature/x")


def test_the_functions_of_the_flights_are_taken() -> None:
    functions = [table.transform for table in flights.tables if isinstance(table.transform, ArrowTransform)]
    assert len(functions) == 3
    for transform in functions:
        check_pure(transform.function, "model/x")
