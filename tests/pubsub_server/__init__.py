"""Pub/Sub for tests: a gRPC server that the official client takes for Google's, in this process or in one of its own.

    with PubSubServer() as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        server.create("orders", "orders-subscription")
        server.publish("orders", [b"one", b"two"])

It is strict where a subscriber can go wrong: a message whose deadline passes is delivered again at once, and its
late acknowledgement is ignored. `server.faults` makes it misbehave.
"""

from .faults import Faults
from .server import PROJECT, PubSubServer

__all__ = ["PROJECT", "Faults", "PubSubServer"]
