"""What in Python's and the usual libraries does not depend on arguments alone: environment, clock, chance, files."""

import ast
import sys
from collections.abc import Mapping

_PARAMETER = "declare a parameter, e.g. limit: int = 15, which settings can give a value"
_ENVIRONMENT = f"reads the environment: {_PARAMETER}"
_CLOCK = f"tells the time of the run: compare with a column, or {_PARAMETER}"
_ZONE = "depends on the zone of the machine: name the zone"
_CHANCE = "differs from run to run: give a seed, numpy.random.default_rng(seed), or make the value of the row's key"
_KEYS = "differs from run to run: make the value of the row's key, e.g. with hashlib"
_HASHES = "differs from process to process: use hashlib"
_FILES = "reads or writes files: make it a table of the project and an input, or a constant in a module"
_OUTSIDE = "reaches outside this process: make what it gives a table of the project and an input"
_UNSEEN = "runs what cannot be seen: write it as code"

# By their longest name that is here; a module stands for all that is in it.
_REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("os", "platform", "getpass", "locale", "sys.argv", "sys.orig_argv", "sys.platform"), _ENVIRONMENT),
    **dict.fromkeys(("multiprocessing.cpu_count", "threading.get_ident", "threading.get_native_id"), _ENVIRONMENT),
    **dict.fromkeys(("pathlib.Path.cwd", "pathlib.Path.home", "posix", "nt", "sys.modules"), _ENVIRONMENT),
    **dict.fromkeys(("time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"), _CLOCK),
    **dict.fromkeys(("datetime.date.today", "pandas.Timestamp.now", "pandas.Timestamp.utcnow"), _CLOCK),
    **dict.fromkeys(("pandas.Timestamp.today", "pandas.Period.now", "email.utils.localtime"), _CLOCK),
    **dict.fromkeys(("datetime.date.fromtimestamp", "pandas.Timestamp.fromtimestamp"), _ZONE),
    **dict.fromkeys(("time.localtime", "time.mktime", "time.tzname", "time.timezone", "time.altzone"), _ZONE),
    **dict.fromkeys(("random", "numpy.random"), _CHANCE),
    **dict.fromkeys(("secrets", "uuid.uuid1", "uuid.uuid4", "uuid.getnode", "os.urandom"), _KEYS),
    **dict.fromkeys(("builtins.hash", "builtins.id"), _HASHES),
    **dict.fromkeys(("builtins.eval", "builtins.exec", "builtins.globals"), _UNSEEN),
    **dict.fromkeys(("builtins.open", "builtins.input", "io.open", "io.FileIO", "codecs.open"), _FILES),
    **dict.fromkeys(("shutil", "tempfile", "glob", "fileinput", "linecache", "mmap", "shelve", "dbm"), _FILES),
    **dict.fromkeys(("importlib.resources", "importlib_resources", "pkgutil.get_data", "sys.stdin"), _FILES),
    **dict.fromkeys(("gzip.open", "bz2.open", "lzma.open", "zipfile.ZipFile", "tarfile.open"), _FILES),
    **dict.fromkeys(("numpy.load", "numpy.loadtxt", "numpy.genfromtxt", "numpy.fromfile", "numpy.memmap"), _FILES),
    **dict.fromkeys(("joblib.load", "joblib.Memory", "deltalake", "fsspec", "obstore", "pyarrow.fs"), _FILES),
    **dict.fromkeys(("pyarrow.dataset", "pyarrow.memory_map", "pyarrow.OSFile", "pyarrow.input_stream"), _FILES),
    **dict.fromkeys(("pyarrow.parquet.read_table", "pyarrow.parquet.ParquetFile", "pyarrow.orc"), _FILES),
    **dict.fromkeys(("pyarrow.parquet.ParquetDataset", "pyarrow.parquet.read_pandas"), _FILES),
    **dict.fromkeys(("pyarrow.csv", "pyarrow.json", "pyarrow.feather", "pandas.HDFStore", "pandas.ExcelFile"), _FILES),
    **dict.fromkeys(("lightgbm.Booster.model_from_file", "xgboost.Booster.load_model"), _FILES),
    **dict.fromkeys(("socket", "ssl", "subprocess", "sqlite3", "urllib.request", "http.client", "ftplib"), _OUTSIDE),
    **dict.fromkeys(("smtplib", "requests", "httpx", "aiohttp", "urllib3", "boto3", "psycopg", "psycopg2"), _OUTSIDE),
    **dict.fromkeys(("sqlalchemy.create_engine", "multiprocessing.connection"), _OUTSIDE),
    # Engines of their own: their SQL tells the time and reads files, and nothing sees it.
    **dict.fromkeys(("duckdb", "ibis.duckdb", "ibis.connect", "ibis.set_backend", "pyspark"), _OUTSIDE),
}
# Pure parts of what stands above.
_PURE = frozenset(
    {"time.sleep", "time.struct_time", "time.strptime"}
    | {"os.sep", "os.linesep", "os.fspath", "os.PathLike", "os.fsencode", "os.fsdecode"}
    | {f"os.path.{name}" for name in ("join", "basename", "dirname", "split", "splitext", "normpath", "sep")}
    | {f"numpy.random.{name}" for name in ("Generator", "BitGenerator")}
)
# With fewer arguments than these they take what is now, or here.
_NEEDS_ARGUMENTS: Mapping[str, tuple[int, str]] = {
    **dict.fromkeys(("time.gmtime", "time.asctime", "time.ctime"), (1, _CLOCK)),
    "time.strftime": (2, _CLOCK),
    "datetime.datetime.fromtimestamp": (2, _ZONE),
}
_SEEDED = frozenset(
    {"random.Random"}
    | {f"numpy.random.{n}" for n in ("default_rng", "RandomState", "SeedSequence", "PCG64", "PCG64DXSM", "MT19937")}
    | {"numpy.random.Philox", "numpy.random.SFC64"}
)
_NOW = frozenset(
    {"pandas.Timestamp", "pandas.to_datetime", "pandas.DatetimeIndex", "numpy.datetime64"}
    | {"pandas.Period", "pandas.date_range", "pandas.period_range", "pandas.bdate_range"}
)
# Of a library, whatever begins so reads files.
_READERS = ("pandas.read_", "polars.read_", "polars.scan_", "ibis.read_", "dask.dataframe.read_")
# Methods of a path that ask the file system; `open` of any value is one of a file.
_OF_PATHS = frozenset(
    {"read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "rglob", "is_file", "is_dir", "lstat"}
    | {"open", "exists", "expanduser"}
)
_IMPORTS = frozenset({"importlib.import_module", "builtins.__import__"})
_IN_MEMORY = frozenset({"StringIO", "BytesIO", "BufferReader", "py_buffer"})


def is_library(top: str) -> bool:
    """Whether a module of this name is Python's own, or the platform's."""
    return top in sys.stdlib_module_names or top == "taxiway"


class Use:
    """The names in a piece of code, in what they are used for."""

    def __init__(self, root: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> None:
        """The piece of code, and of each node the one that it is in."""
        self._parents = parents
        names = {node.id for node in ast.walk(root) if isinstance(node, ast.Name)}
        attributes = {node.attr for node in ast.walk(root) if isinstance(node, ast.Attribute)}
        self._reads_memory = bool((names | attributes) & _IN_MEMORY)

    def of_name(self, node: ast.AST, dotted: str) -> str:
        """Why a name of a library is refused here, and what to do; empty where it is not."""
        while isinstance(parent := self._parents.get(node), ast.Attribute):
            node = parent
        call = parent if isinstance(parent, ast.Call) and parent.func is node else None
        if isinstance(parent, ast.Call) and _called(parent) == "getattr" and node in parent.args[:1]:
            dotted = ".".join(
                [dotted, *(str(word.value) for word in parent.args[1:2] if isinstance(word, ast.Constant))]
            )
        if dotted in _IMPORTS:
            module = _first(call) if call is not None else None
            why = self._why(module) if isinstance(module, str) else _UNSEEN
            return f"{dotted} of {module} {why}" if why else ""
        if dotted in _NEEDS_ARGUMENTS:
            least, why = _NEEDS_ARGUMENTS[dotted]
            given = len(call.args) + len(call.keywords) if call is not None else 0
            return f"{dotted} {why}" if given < least else ""
        if dotted in _NOW and call is not None and _first(call) in ("now", "today"):
            return f"{dotted}({_first(call)!r}) {_CLOCK}"
        seeded = dotted in _SEEDED and call is not None and _is_given(call)
        if seeded or dotted in _PURE or (dotted.startswith("os.environ") and self._only_sets(node, dotted)):
            return ""
        why = _FILES if dotted.startswith(_READERS) else self._why(dotted)
        in_memory = why == _FILES and self._reads_memory and dotted != "builtins.open"
        return f"{dotted} {why}" if why and not in_memory else ""

    def of_call(self, node: ast.AST) -> str:
        """Why a call of a method is refused, of whatever value it is."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return ""
        name, given = node.func.attr, {keyword.arg for keyword in node.keywords}
        if name in _OF_PATHS and not (name == "open" and self._reads_memory):
            return f".{name}() {_FILES}"
        if "model_file" in given:
            return f".{name}(model_file=) {_FILES}"
        if name == "astimezone" and not node.args and not given:
            return f".astimezone() {_ZONE}"
        if name == "sample" and len(node.args) < 2 and not _seeds(node):
            return ".sample() without random_state differs from run to run: give one"
        return ""

    def _only_sets(self, node: ast.AST, dotted: str) -> bool:
        """Whether a variable is set, and nothing is learnt of it."""
        parent = self._parents.get(node)
        if isinstance(parent, ast.Subscript):
            return isinstance(parent.ctx, ast.Store)
        alone = isinstance(parent, ast.Call) and isinstance(self._parents.get(parent), ast.Expr)
        return alone and dotted in ("os.environ.setdefault", "os.environ.update")

    def _why(self, dotted: str) -> str:
        parts = dotted.split(".")
        names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        return next((_REFUSED[name] for name in names if name in _REFUSED), "")


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _first(call: ast.Call) -> object:
    return call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None


def _seeds(call: ast.Call) -> bool:
    """Whether a sample is drawn with a seed; what `**options` hold is not seen."""
    named = ("random_state", "seed", "k", "rng", None)
    values = [keyword.value for keyword in call.keywords if keyword.arg in named]
    return any(not isinstance(value, ast.Constant) or value.value is not None for value in values)


def _is_given(call: ast.Call) -> bool:
    """Whether a seed is given, and not None."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return bool(values) and not (isinstance(values[0], ast.Constant) and values[0].value is None)
