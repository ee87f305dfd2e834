"""One invented shop: its history as files, its life as events."""
