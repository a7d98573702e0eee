"""Rows into the target: rounds, batches, and what became of them; knows no dialect."""
