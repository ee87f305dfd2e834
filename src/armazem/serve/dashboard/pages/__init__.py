"""One module a page: which figures it shows, how they are asked for, and how they are drawn."""
