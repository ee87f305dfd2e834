"""The batch job for Spark: files to the tables of the lake. Imports pyspark: import it late."""
