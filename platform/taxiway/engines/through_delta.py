"""Reading a table that is more than a list of files, by deltalake's own reader."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
from deltalake import QueryBuilder
from deltalake.exceptions import DeltaError
from sqlglot import exp

from taxiway.errors import LakeError
from taxiway.lake import Snapshot
from taxiway.lake.log import NO_KEY
from taxiway.lake.messages import reason


def through_delta(snapshot: Snapshot, partitions: Sequence[str] | None) -> Iterator[pa.Table]:
    """The rows of these partitions, all by default, in pieces, at least one; its Arrow dataset reads mapped columns
    as null.

    Raises LakeError where the table has features that deltalake does not read.
    """
    column = snapshot.partition_column
    query = exp.select("*").from_("published")
    if partitions is not None and column is not None:
        key = exp.column(column, quoted=True)
        keys = [name for name in partitions if name != NO_KEY]
        chosen = [key.isin(*keys)] if keys else []
        chosen += [key.is_(exp.null())] if NO_KEY in partitions else []
        query = query.where(exp.or_(*chosen) if chosen else exp.false())
    try:
        found = QueryBuilder().register("published", snapshot.delta).execute(query.sql())
        yield snapshot.schema.empty_table()
        for batch in pa.RecordBatchReader.from_stream(found):
            # Its texts are views, which others do not take.
            yield pa.Table.from_batches([batch]).select(snapshot.schema.names).cast(snapshot.schema)
    except (DeltaError, OSError) as error:
        raise LakeError(
            f"{snapshot.address} version {snapshot.version}: written with Delta features that cannot be read here "
            f"({reason(error)}); rewrite it without them"
        ) from error
