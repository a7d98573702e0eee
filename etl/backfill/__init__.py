"""The enrichment that an import leaves for later: images, MBIDs and aliases, durations, asked for over the network.

Asking is done by ``client`` (one host), ``cache`` and ``asker``; what to ask and what an answer means is pure.
"""
