"""What a run leaves on disk: writing it, explaining it, querying it, pruning it."""
