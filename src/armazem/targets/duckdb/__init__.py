"""The warehouse in the home folder: a file of DuckDB for each build, `current` points at what readers see."""
