"""A real Kafka broker for the tests: one process of Java, on free ports of this machine."""

from kafka_broker.broker import JARS, Broker, why_not

__all__ = ["JARS", "Broker", "why_not"]
