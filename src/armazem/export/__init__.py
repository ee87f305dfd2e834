"""The published tables as files for other programs: Parquet, and a Tableau extract with its data source."""
