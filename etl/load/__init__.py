"""Writes rows to the target in rounds and batches, and records what became of them; knows no dialect."""
