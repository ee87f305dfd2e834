"""Which ids of events are known, for events without number: in memory what is new, on the disk what is old."""
