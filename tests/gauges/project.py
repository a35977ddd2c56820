"""River gauges: readings are delivered by month, gauges once; a feature looks back over midnight and month ends."""

from collections.abc import Iterator, Sequence

import ibis
import ibis.expr.types as ir

from taxiway.contracts import Contract, Float64, Instant, Int32, Int64, Text, column, row_rule, table
from taxiway.landing import CSV
from taxiway.tables import Project, Table
from taxiway.transforms import Lookback, transform


class RawGauges(Contract):
    """One row for each gauge."""

    gauge: Text = column("The gauge's code", str_matches=r"^[A-Z]{3}$")
    river: Text = column("The river it stands in")
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it, from 1")

    class Config:
        unique = ["gauge"]
        metadata = table()


class RawReadings(Contract):
    """One row for each reading of a gauge."""

    gauge: Text = column("The gauge's code")
    read_at: Instant = column("When it was read")
    level_cm: Int32 = column("Level of the water", unit="cm", nullable=True, ge=-100, le=2000)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it, from 1")
    month: Text = column("The month of the reading in UTC")

    class Config:
        unique = ["gauge", "read_at"]
        metadata = table(grain="month", tolerance=0.1, key_within_partition=True)

    @row_rule("the reading is of the file's month")
    def of_the_month(t: ir.Table) -> ir.BooleanValue:
        return t.read_at.date().cast("string").substr(0, 7) == t.month


class LevelHistory(Contract):
    """One row for each reading, with what the gauge showed during the 24 hours up to it."""

    gauge: Text = column("The gauge's code")
    read_at: Instant = column("When it was read")
    river: Text = column("The river", nullable=True)
    readings_24h: Int64 = column("Readings in the window", ge=1)
    sum_level_24h_cm: Int64 = column("Sum of the levels in the window", unit="cm", nullable=True)
    high_share: Float64 = column("1 where the sum is above the limit", ge=0, le=1)
    month: Text = column("The month of the reading in UTC")

    class Config:
        unique = ["gauge", "read_at"]
        metadata = table(grain="month")


class RiverMonth(Contract):
    """One row for each river and month."""

    river: Text = column("The river")
    month: Text = column("The month")
    readings: Int64 = column("Readings", ge=1)

    class Config:
        unique = ["river", "month"]
        metadata = table()


@transform
def raw_gauges(landing_gauges: ir.Table) -> ir.Table:
    """As delivered, typed."""
    return landing_gauges


@transform
def raw_readings(landing_readings: ir.Table) -> ir.Table:
    """As delivered, typed."""
    return landing_readings.mutate(month=landing_readings["_partition"])


@transform(reach={"raw_readings": Lookback(24, on="read_at")})
def level_history(raw_readings: ir.Table, raw_gauges: ir.Table, high_cm: int = 500) -> ir.Table:
    """Windows of 24 hours up to each reading."""
    window = ibis.range_window(
        group_by="gauge", order_by="read_at", preceding=ibis.interval(hours=24), following=ibis.interval(hours=0)
    )
    levels = raw_readings.mutate(
        readings_24h=raw_readings.read_at.count().over(window),
        sum_level_24h_cm=raw_readings.level_cm.sum().over(window),
    )
    joined = levels.left_join(raw_gauges, "gauge")
    high = ibis.ifelse(joined.sum_level_24h_cm > high_cm, 1.0, 0.0).fill_null(ibis.literal(0.0))
    return joined.select("gauge", "read_at", "river", "readings_24h", "sum_level_24h_cm", "month", high_share=high)


@transform
def river_month(feature_level_history: ir.Table) -> ir.Table:
    """Readings by river and month."""
    known = feature_level_history.filter(feature_level_history.river.notnull())
    return known.group_by("river", "month").aggregate(readings=known.count())


def deliveries(months: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Two gauges, read every six hours; the level rises through the year."""
    yield "gauges.csv", b"gauge,river\nAAA,Elbe\nBBB,Oder\n"
    for month in months:
        lines = ["gauge,read_at,level_cm,remark"]
        for day in range(1, 29):
            for hour in range(0, 24, 6):
                for gauge, offset in (("AAA", 0), ("BBB", 100)):
                    level = "NA" if day == 7 and gauge == "BBB" else str(int(month[5:]) * 10 + day + offset)
                    lines.append(f"{gauge},{month}-{day:02d}T{hour:02d}:00:00Z,{level},")
        yield f"readings-{month}.csv", ("\n".join(lines) + "\n").encode()


project = Project(
    name="gauges",
    tables=(
        Table("raw/gauges", RawGauges, raw_gauges, CSV("gauges.csv")),
        Table(
            "raw/readings",
            RawReadings,
            raw_readings,
            CSV("readings-{month}.csv", dropped={"remark": "string"}),
        ),
        Table("feature/level_history", LevelHistory, level_history),
        Table("feature/river_month", RiverMonth, river_month),
    ),
    deliveries=deliveries,
)
