"""`armazem serve --subscribe kafka:…`: a topic beside HTTP, into one journal; and what /readyz says where it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka_broker import Broker
from serve.running import LINES, Running
from stream.shop_events import event_ids, messages

from armazem.home import Home
from armazem.journal.identity import journal_id

from .running import expected, until

pytestmark = pytest.mark.xdist_group("kafka")


def test_a_topic_beside_http(broker: Broker, topic: str, tmp_path: Path) -> None:
    """Both senders' events once; a topic that goes away is told, and HTTP goes on."""
    home = Home(tmp_path / "home")
    broker.publish(topic, messages(0, 60))
    path = tmp_path / "client.properties"
    path.write_text("topic.metadata.refresh.interval.ms=2000")  # so soon it is seen that there is no topic
    with Running(
        home.root, "--subscribe", f"kafka:{broker.address}/{topic}", ready=False, kafka_properties=path
    ) as server:
        assert server.post(b"".join(one + b"\n" for one in messages(40, 60)), LINES).status_code == 200
        until(lambda: len(event_ids(home)) == 100)
        until(lambda: broker.lag(f"armazem-{journal_id(home)}", topic) == 0)
        until(lambda: server.client.get("/readyz").status_code == 200)
        broker.delete(topic)
        until(lambda: server.client.get("/readyz").status_code == 503)
        assert f"there is no topic {topic}" in server.client.get("/readyz").text
        assert server.post(messages(100, 1)[0]).status_code == 200
    assert sorted(event_ids(home)) == expected(101)
