"""The reference project: late arrivals of the flights from New York."""
