"""The KPI tables: which there are, how they are filtered and asked for, how rows are written out."""
