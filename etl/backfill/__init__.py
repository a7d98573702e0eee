"""Backfill: adds the images, MBIDs, aliases and durations that a load leaves out, over the network.

``rules`` decides what to request and what the answers mean, ``services`` knows each service's API, ``http`` sends the
requests; ``run`` connects them with the database.
"""
