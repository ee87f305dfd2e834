"""The landing zone as Iceberg tables: land, withdraw, read, look after them. What it needs is an extra.

It imports pyiceberg: import it late.
"""
