"""The clock of the city, on which its days and weeks begin; `deployments/settings.toml` names the same."""

CITY = "America/New_York"
