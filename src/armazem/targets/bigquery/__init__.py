"""The warehouse on BigQuery: the same plan, models and tests, published by copy jobs.

Imports Google's client: import it late, the embedded target runs without it.
"""
