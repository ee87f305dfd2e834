"""The batch job for Spark: files into the tables of the lake, checked by the contract as Spark SQL.

It imports pyspark: import it late.
"""
