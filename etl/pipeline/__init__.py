"""The job of a run, step by step: discover, extract, deduplicate, look up, resolve, load, account."""
