"""Finds listens of a run that another file, service or run also recorded, so that each play is stored once. Pure.

In: listens of the run (columns COMPARED of schema NORMALIZED), plays that their own export does not count (schema
NOT_COUNTED), listens of the database near them (schema NEARBY; ``reach`` says which), the keys that the database has
(schema CACHED), and what each service records (``RecordingService``). Out: a verdict on each listen that is not simply
loaded (schema VERDICTS), and, after ``apply_doubles``, the listens that are loaded, skipped or duplicates, and the
evidence.

1. ``plays`` turns listens into plays; ``start_ranges`` finds when each of them may have begun.
2. ``candidates`` finds the pairs that may be one play. Starts are compared with starts, ends with ends.
3. ``groups`` joins pairs one to one between services, the nearest first.
4. ``choose`` keeps one record of each group. Those of its second are *the same*, the others *likely doubles*.

``library`` applies the same rules to the listens of a database alone, whichever program wrote them.

For a listener who hears one thing at a time, the number of stored plays does not depend on the order of services,
files, rows or runs. In these histories it may differ by one play each:

- One scrobbler recorded a play more than 10 s after it began, and another one did not (60 s for ListenBrainz before
  2017). Only Spotify's record, if it is loaded first, shows that both are one play.
- Two plays of under two minutes on repeat before 2017, in ListenBrainz; or a play of under a minute in account data.
- A play was not scrobbled, but its track was scrobbled from elsewhere within the 48 h before, with no other title and
  no play on Spotify between them. The start of the play is unknown, so the scrobble may belong to it.
- The same, if an export ends while a track is on repeat, and its parts are loaded in different runs.
- Account data is in the database, a play was paused, and its track begins again in the minute in which it ended.
- On repeat, a scrobble has the very second in which the play before it ended, and that play was not scrobbled. A
  database holds only one of the two. As soon as a run has another record of the later play, that is loaded instead.
- Exports of Koito versions that omit the client: plays that Koito got from Spotify have their end as their start.
"""

from etl.dedupe.apply import ACCOUNT_TWIN, SAME_AS, DedupeResult, apply_doubles, no_duplicates, tracks_of_doubles
from etl.dedupe.library import stored_doubles
from etl.dedupe.match import find_doubles
from etl.dedupe.plays import COMPARED
from etl.dedupe.reach import Reach, reach, tracks_in_reach
from etl.dedupe.services import END, START, RecordingService

__all__ = [
    "ACCOUNT_TWIN",
    "COMPARED",
    "END",
    "SAME_AS",
    "START",
    "DedupeResult",
    "Reach",
    "RecordingService",
    "apply_doubles",
    "find_doubles",
    "no_duplicates",
    "reach",
    "stored_doubles",
    "tracks_in_reach",
    "tracks_of_doubles",
]
