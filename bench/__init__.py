"""Benchmarks: whole commands, beside the limit that the same work has in raw DuckDB. `python -m bench --help`."""
