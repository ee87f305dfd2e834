"""BigQuery's dataset `raw` as a landing zone. Imports Google's client, so `landing.bigquery` imports it late."""
