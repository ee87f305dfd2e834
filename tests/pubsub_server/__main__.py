"""`python -m pubsub_server --port P`: the server as a process of its own, for trying a command by hand."""

from __future__ import annotations

import argparse

from .server import PROJECT, PubSubServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="pubsub_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--project", default=PROJECT, help="of the topic and the subscription")
    parser.add_argument("--topic", default="olist_orders_topic", help="made at the start")
    parser.add_argument("--subscription", default="olist_orders_subscription", help="made at the start, on the topic")
    arguments = parser.parse_args()
    with PubSubServer(arguments.port, project=arguments.project) as server:
        server.create(arguments.topic, arguments.subscription)
        print(f"export PUBSUB_EMULATOR_HOST={server.address}", flush=True)
        server.wait()


if __name__ == "__main__":
    main()
