"""Send messages to a server, to Pub/Sub or Kafka: for the simulator, and for files that go to another machine."""
