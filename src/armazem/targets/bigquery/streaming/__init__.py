"""Events from messages into `raw` as they come: rows, and the Storage Write API. Workers of Dataflow have only this and
the contract; the subscriber of `targets.bigquery` and the pipeline in `beam` call it.
"""
