"""Live events: the journal, ingest, dead letters, Pub/Sub, the simulator."""
