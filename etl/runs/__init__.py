"""What a run leaves behind on disk, and looking back at it."""
