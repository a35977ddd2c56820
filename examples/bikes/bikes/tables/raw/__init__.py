"""What is delivered, or written by the city, typed and checked."""
