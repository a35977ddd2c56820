"""The entry point: it turns errors into one line and an exit code, and a traceback only where it is asked for."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from taxiway.cli.app import app
from taxiway.cli.output import complain, print_traceback, warn
from taxiway.errors import TaxiwayError

_WRONG_USE = 2


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed or refused, 2 wrong use."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    words = [word for word in given if word != "--debug"]
    debug = len(words) < len(given)
    try:
        with _warnings_told():
            code = app(args=words, prog_name="taxiway", standalone_mode=False)
    except TaxiwayError as error:
        code = _failed(error, str(error), error.exit_code, debug)
    except Exception as error:
        described = getattr(error, "format_message", None)
        if callable(described):
            context = getattr(error, "ctx", None)
            command = context.command_path if context is not None else "taxiway"
            message = str(described()).strip() or f"{command} needs a command"
            code = _failed(error, f"{message} (see: {command} --help)", _WRONG_USE, debug)
        else:
            told = f"{type(error).__name__}: {error}; this should not happen, --debug shows where"
            code = _failed(error, told, 1, debug)
    sys.exit(code or 0)


class _Teller(logging.Handler):
    """Tells each warning once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Tell what Taxiway has logged."""
        message = record.getMessage()
        if message not in self._told:
            self._told.add(message)
            warn(message)


@contextmanager
def _warnings_told() -> Iterator[None]:
    """What Taxiway logs as a warning is told on stderr during the block."""
    logger, teller = logging.getLogger("taxiway"), _Teller()
    logger.addHandler(teller)
    try:
        yield
    finally:
        logger.removeHandler(teller)


def _failed(error: Exception, message: str, code: int, debug: bool) -> int:
    if debug:
        print_traceback(error)
    complain(message)
    return code
