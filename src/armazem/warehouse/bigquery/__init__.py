"""The warehouse on BigQuery: the same plan, models and tests, published by copy jobs."""
