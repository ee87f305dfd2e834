"""The events that were accepted, as lines on the disk: append, read, compact, keep the books."""
