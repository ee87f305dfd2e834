"""Where the warehouse is: a folder with DuckDB files, or BigQuery. What a build and its readers need of either."""
