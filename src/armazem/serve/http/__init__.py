"""The server: events in, KPIs and health out."""
