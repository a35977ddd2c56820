"""The contracts of the marts, which dbt builds (`dbt_project/models/marts`); nothing here computes them."""

import ibis.expr.types as ir

from taxiway.contracts import Contract, Date, Float64, Int16, Int64, Text, column, row_rule
from taxiway.tables import Table

ORIGINS = ["EWR", "JFK", "LGA"]
MONTH = r"^\d{4}-\d{2}$"


class AirportDay(Contract):
    """One airport on one day; its departures, how late they were, and the weather there."""

    origin: Text = column("Airport of departure", isin=ORIGINS)
    flight_date: Date = column("Day of the schedule in New York")
    flights: Int64 = column("Flights scheduled, cancelled ones included", unit="flights", ge=1)
    cancelled: Int64 = column("Flights cancelled", unit="flights", ge=0)
    mean_dep_delay_min: Float64 = column("Mean departure delay of the flights that left", unit="min", nullable=True)
    p90_dep_delay_min: Int16 = column(
        "Departure delay that nine in ten of the flights that left did not exceed", unit="min", nullable=True
    )
    late_share: Float64 = column(
        "Share of late arrivals among those whose delay is known", unit="share", nullable=True, ge=0, le=1
    )
    worst_hour: Int16 = column(
        "Scheduled hour with the greatest mean departure delay; the earlier one of two equals",
        unit="hour",
        nullable=True,
        ge=0,
        le=23,
    )
    mean_temperature_f: Float64 = column("Mean of the hourly temperatures", unit="°F", nullable=True, ge=-60, le=140)
    precipitation_in: Float64 = column("Sum of the hourly precipitation", unit="in", nullable=True, ge=0, le=50)
    max_wind_speed_mph: Float64 = column("Greatest hourly wind speed", unit="mph", nullable=True, ge=0, le=250)
    min_visibility_mi: Float64 = column("Least hourly visibility", unit="statute miles", nullable=True, ge=0)

    @row_rule("No more flights are cancelled than were scheduled")
    def cancelled_of_scheduled(t: ir.Table) -> ir.BooleanValue:  # noqa: N805
        """True where the counts agree."""
        return t.cancelled <= t.flights

    @row_rule("A worst hour is known exactly where some flight left")
    def worst_hour_of_departures(t: ir.Table) -> ir.BooleanValue:  # noqa: N805
        """True where both are known or neither is."""
        return t.worst_hour.isnull() == t.mean_dep_delay_min.isnull()

    class Config:
        """One row for each airport and day."""

        unique = ["origin", "flight_date"]


class CarrierMonth(Contract):
    """One carrier in one month; how punctual it was among the carriers of that month."""

    carrier: Text = column("Carrier code")
    month: Text = column("Month of the schedule in New York", str_matches=MONTH)
    airline: Text = column("The airline's name")
    flights: Int64 = column("Flights scheduled, cancelled ones included", unit="flights", ge=1)
    cancelled_share: Float64 = column("Share of flights that were cancelled", unit="share", ge=0, le=1)
    mean_arr_delay_min: Float64 = column("Mean arrival delay where it is known", unit="min", nullable=True)
    late_share: Float64 = column(
        "Share of late arrivals among those whose delay is known", unit="share", nullable=True, ge=0, le=1
    )
    punctuality_rank: Int64 = column(
        "Rank by late share among the carriers of the month, 1 the least; equals share a rank",
        unit="rank",
        nullable=True,
        ge=1,
    )

    class Config:
        """One row for each carrier and month."""

        unique = ["carrier", "month"]


class RouteMonth(Contract):
    """One route in one month; how punctual it was among the routes of that month."""

    origin: Text = column("Airport of departure", isin=ORIGINS)
    dest: Text = column("Airport of destination")
    month: Text = column("Month of the schedule in New York", str_matches=MONTH)
    distance_mi: Int16 = column(
        "Distance; the greatest where the deliveries of a month disagree", unit="statute miles", ge=1
    )
    flights: Int64 = column("Flights scheduled, cancelled ones included", unit="flights", ge=1)
    cancelled_share: Float64 = column("Share of flights that were cancelled", unit="share", ge=0, le=1)
    mean_arr_delay_min: Float64 = column("Mean arrival delay where it is known", unit="min", nullable=True)
    late_share: Float64 = column(
        "Share of late arrivals among those whose delay is known", unit="share", nullable=True, ge=0, le=1
    )
    punctuality_rank: Int64 = column(
        "Rank by late share among the routes of the month, 1 the least; equals share a rank",
        unit="rank",
        nullable=True,
        ge=1,
    )

    class Config:
        """One row for each route and month."""

        unique = ["origin", "dest", "month"]


class DelayByHour(Contract):
    """One hour of the week at one airport; how late the flights scheduled then were."""

    origin: Text = column("Airport of departure", isin=ORIGINS)
    scheduled_weekday: Int16 = column(
        "Day of the week of the scheduled departure on the origin's clock, 1 is Monday", ge=1, le=7
    )
    scheduled_hour: Int16 = column("Hour of the scheduled departure on the origin's clock", unit="hour", ge=0, le=23)
    flights: Int64 = column("Flights scheduled, cancelled ones included", unit="flights", ge=1)
    mean_dep_delay_min: Float64 = column("Mean departure delay of the flights that left", unit="min", nullable=True)
    late_share: Float64 = column(
        "Share of late arrivals among those whose delay is known", unit="share", nullable=True, ge=0, le=1
    )

    class Config:
        """One row for each hour of the week at each airport."""

        unique = ["origin", "scheduled_weekday", "scheduled_hour"]


class PredictionQuality(Contract):
    """One carrier in one month; what the model promised and what came of it, on the flights judged."""

    month: Text = column("Month of the schedule in New York", str_matches=MONTH)
    carrier: Text = column("Carrier code")
    flights: Int64 = column(
        "Flights with a prediction whose outcome is known; the other columns are about these", unit="flights", ge=1
    )
    mean_probability: Float64 = column("Mean of the predicted probability of a late arrival", unit="share", ge=0, le=1)
    late_share: Float64 = column("Share of flights that arrived late", unit="share", ge=0, le=1)
    brier_score: Float64 = column(
        "Mean squared difference of probability and outcome, between 0 (best) and 1", ge=0, le=1
    )

    class Config:
        """One row for each month and carrier."""

        unique = ["month", "carrier"]


tables = (
    Table("mart/airport_day", contract=AirportDay),
    Table("mart/carrier_month", contract=CarrierMonth),
    Table("mart/route_month", contract=RouteMonth),
    Table("mart/delay_by_hour", contract=DelayByHour),
    Table("mart/prediction_quality", contract=PredictionQuality),
)
