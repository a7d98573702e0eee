"""Benchmarks: made-up histories, the bare COPY as the floor, and the runner that compares loads with it."""
