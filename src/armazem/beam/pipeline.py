"""The pipeline, from a collection of messages to the tables of events on BigQuery."""

from __future__ import annotations

from typing import Any

import apache_beam as beam

from armazem.beam.options import Options
from armazem.beam.parameters import BEAM
from armazem.beam.steps import DEAD_LETTERS, EVENTS, Append, Check, as_message, weight


def source_of(subscription: str) -> str:
    """Return the source of rows from a subscription, as `armazem subscribe` names it."""
    _, project, _, name = subscription.split("/")
    return f"pubsub:{project}/{name}"


def build(messages: Any, options: Options) -> None:
    """Check the messages of a PCollection of PubsubMessage, and append what they become.

    Where they come from is the caller's: Pub/Sub, files, TestStream. Raises OptionError.
    """
    of = options.values()
    # Several outputs of one step, and tuples with fields: Beam would make rows of its own of them. `Any` keeps them.
    checked = (
        messages
        | "Message" >> beam.Map(as_message).with_output_types(Any)
        # Of one size: Beam would begin with one, and measure.
        | "Batch" >> beam.BatchElements(of["batch_size"], of["batch_size"], element_size_fn=weight)
        | "Check"
        >> beam.ParDo(Check(source_of(of["subscription"]), of["time_zone"]))
        .with_outputs(DEAD_LETTERS, main=EVENTS)
        .with_output_types(Any)
    )
    for table in (EVENTS, DEAD_LETTERS):
        name = f"Append {table.replace('_', ' ')}"
        if of["writer"] == BEAM:
            from armazem.beam.storage_write import StorageWrite

            checked[table] | name >> StorageWrite(f"{of['dataset']}.{table}", table)
        else:
            append = Append(of["dataset"], of["write_endpoint"], of["retry_seconds"])
            checked[table] | name >> beam.ParDo(append)
