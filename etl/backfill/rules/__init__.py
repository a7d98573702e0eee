"""Decides what to request for each entity, and what the answers mean for it. Pure except for ``fetch``."""
