"""A Kafka topic into a sink: what is committed is kept, and what could not be kept is read again."""
