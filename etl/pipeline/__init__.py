"""The job, step by step: discover, extract, deduplicate, look up, resolve, load, account."""
