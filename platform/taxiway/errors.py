"""Every error that Taxiway raises on purpose; what each means to the caller is in its docstring."""


class TaxiwayError(Exception):
    """Base of all errors that tell the user what was wrong, where, and what to do.

    `exit_code` is what the command line ends with: 1 failed or refused, 2 wrong use.
    """

    exit_code = 1


class UsageError(TaxiwayError):
    """The request itself is wrong: an unknown table, a partition outside the calendar."""

    exit_code = 2


class SettingsError(TaxiwayError):
    """A deployment's settings are missing or contradict each other."""

    exit_code = 2


class DefinitionError(TaxiwayError):
    """A table, transform or contract is declared wrongly; raised when definitions load."""


class BrokenInput(DefinitionError):
    """A table is made from one that is broken, which `source` names."""

    def __init__(self, message: str, source: str) -> None:
        super().__init__(message)
        self.source = source


class DbtProblem(DefinitionError):
    """dbt cannot compile its project, or a model would not give the same rows again; the message names the file."""


class LakeError(TaxiwayError):
    """A table in the lake cannot be read or written."""


class TableNotFound(LakeError):
    """The lake holds no such table, or not at that version."""


class EngineError(TaxiwayError):
    """An engine could not compute: memory or scratch ran out, data could not be read, or the transform fails on it."""


class TransformFailed(TaxiwayError):
    """The function of a transform failed on rows that it was given, or returned what is not its result."""


class PublishConflict(LakeError):
    """Another writer published one of the same partitions first; running again is safe."""


class CommitFailed(LakeError):
    """The storage failed while a commit was made. It may come to be all the same, where the storage did not say."""


class DeliveryRefused(TaxiwayError):
    """A delivered file cannot be read as what it should be; nothing of it was used."""


class ConnectorError(TaxiwayError):
    """A source could not be read, or a sink not written; what was there before still is. It holds no secret."""


class ContractBroken(TaxiwayError):
    """A staged result broke its contract beyond tolerance and was not published."""


class MartsFailed(TaxiwayError):
    """A mart could not be built, or one of its tests failed; no mart was published."""


class DeploymentError(TaxiwayError):
    """A deployment of this machine could not be prepared, started or ended; what had been started has been ended."""


class RunLost(TaxiwayError):
    """A run elsewhere can no longer be followed or stopped from here; the message says what has become of it."""
