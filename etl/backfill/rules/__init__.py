"""What to ask the services about, and what answers mean."""
