"""The streaming pipeline for Dataflow and other runners of Beam: from Pub/Sub into the tables of events on BigQuery.

`cli` calls it, and so does the entry point of the Flex Template. Workers have only `steps`, and below it the contract,
the errors and `targets.bigquery.streaming`: nothing here imports more of ours.
"""
