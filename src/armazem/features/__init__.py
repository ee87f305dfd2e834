"""Features of entities as they were known at a time: which there are, and the training sets made of them."""
