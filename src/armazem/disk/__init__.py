"""Durable writes, locks, quoting for SQL, causes of what fails: what every writer needs."""
