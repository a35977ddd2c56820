"""Publishing from Spark: one commit of Delta's own connector, with the predicate and the provenance of every other."""
# pyspark is an extra.
# pyright: reportMissingImports=false

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from taxiway.engines.spark_errors import first_cause, of_spark, words
from taxiway.errors import EngineError, LakeError
from taxiway.lake import Lake, Publication, Snapshot
from taxiway.lake.provenance import of_commit
from taxiway.lake.writer import PROPERTIES, conflict, overtaken, refused

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter

_LOST_RACE = re.compile(
    r"Concurrent(Append|DeleteRead|DeleteDelete|Transaction|Write)Exception|MetadataChangedException|"
    r"ProtocolChangedException|DELTA_CONCURRENT|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED"
)


@dataclass(frozen=True)
class SparkWriter:
    """Writes the rows of a Spark frame; see `taxiway.lake.Writer`."""

    schema: pa.Schema
    lake: Lake
    rows: "DataFrame"

    def create(self, publication: Publication, uri: str) -> None:
        """See `Writer.create`."""
        writer = self._writer(publication).mode("error")
        for name, value in PROPERTIES.items():
            writer = writer.option(name, value)
        self._save(publication, writer, uri)

    def replace(self, publication: Publication, base: Snapshot, *, widens: bool) -> int:
        """See `Writer.replace`.

        Delta on Spark compares with the version that is the latest when it begins, so what changed between that and
        `base` is looked at just before, and again when the commit says what that version was. Raises EngineError
        where Spark fails.
        """
        latest = self.lake.open(publication.address)
        if _has_changed(publication, base, latest):
            raise conflict(publication)
        writer = self._writer(publication).mode("overwrite")
        if publication.rebuild:
            writer = writer.option("overwriteSchema", "true")
        else:
            writer = writer.option("replaceWhere", publication.predicate)
            writer = writer.option("mergeSchema", str(widens).lower())
        self._save(publication, writer, base.uri)
        commit = self._commit(publication)
        version = int(str(commit["version"]))
        # Delta itself sees to what others changed after it began, but for partitions that it does not replace.
        seen = version - 1 if publication.against_all else int(str(commit["readVersion"]))
        if seen != latest.version and _has_changed(publication, latest, self.lake.open(publication.address, seen)):
            raise overtaken(publication)
        return version

    def _commit(self, publication: Publication) -> Mapping[str, object]:
        for commit in self.lake.open(publication.address).commits():
            provenance = of_commit(commit)
            if provenance is not None and provenance.data_version == publication.provenance.data_version:
                return commit
        raise LakeError(f"{publication.address}: the commit that was just made is not in its log")

    def _writer(self, publication: Publication) -> "DataFrameWriter":
        column = publication.partition_column
        # A file for each partition, more where one is large.
        rows = self.rows.hint("rebalance", column) if column else self.rows.hint("rebalance")
        writer = rows.write.format("delta").option("userMetadata", publication.provenance.dump())
        return writer.partitionBy(column) if column else writer

    def _save(self, publication: Publication, writer: "DataFrameWriter", uri: str) -> None:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        try:
            writer.save(uri)
        except (PySparkException, Py4JError, ConnectionError) as error:
            text = words(error)
            if _LOST_RACE.search(text):
                raise conflict(publication) from error
            failed = of_spark(text)
            if failed:
                raise EngineError(f"publishing failed: {failed}") from error
            raise refused(publication, first_cause(text)) from error


def _has_changed(publication: Publication, base: Snapshot, latest: Snapshot) -> bool:
    """Whether another writer has changed one of the same partitions, any where the rows were held against all, or the
    columns, since `base`."""
    if latest.version == base.version:
        return False
    any_partition = publication.rebuild or publication.against_all
    keys = latest.partitions.keys() | base.partitions.keys() if any_partition else publication.provenance.partitions
    changed = any(latest.partitions.get(key) != base.partitions.get(key) for key in keys)
    return changed or latest.schema != base.schema
