"""From resolution requests to ids: the rules over a snapshot of names, and the cut into batches. Pure."""
