"""Which deliveries are late: what the warehouse predicts, a model trained on it, and how good both are."""
