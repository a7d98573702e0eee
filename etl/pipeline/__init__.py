"""The job, and the only place that knows its order: discover, extract, compare, look up, resolve, load, account."""
