"""From units to ids: the rules over a snapshot of names (pure), the snapshot's reading, the cut into batches (pure)."""
