"""What readers of the published warehouse are given: KPIs, and answers in the format they ask for."""
