"""The dataset `raw` as a landing zone. Imports Google's client: import it late."""
