"""What is derived from the raw tables, one row per flight: one file per table, its contract and its transform."""
