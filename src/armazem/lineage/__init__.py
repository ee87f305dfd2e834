"""Lineage of builds for other programs: what was read, what was written, what was tested, as events of OpenLineage."""
