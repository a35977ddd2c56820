"""The project bikes: rentals of shared bikes in New York, their stations, and what both earn."""
