"""The landing zone as Iceberg tables, which other programs read and write too. Imports pyiceberg: import it late."""
