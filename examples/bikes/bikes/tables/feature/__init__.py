"""What is derived from rentals and stations: by day, by week."""
