"""The published tables as files for other programs: Parquet, a Tableau extract, a feature repository of Feast."""
