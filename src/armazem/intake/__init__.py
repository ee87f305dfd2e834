"""From messages to the journal: receive, check, commit, acknowledge, in this order; replay of dead letters."""
