"""Send messages to a server or to Pub/Sub: for the simulator, and for files that go to another machine."""
