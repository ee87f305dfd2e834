"""The live figures: what the events since the last build change in the published figures."""
