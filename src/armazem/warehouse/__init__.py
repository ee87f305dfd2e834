"""Builds the warehouse with dbt, audits it, publishes it, and reads what is published."""
