"""One play, once: finds listens of a run that another file, service or run recorded too. Pure.

In: listens of the run (columns COMPARED of schema NORMALIZED), plays that their own export does not count (schema
NOT_COUNTED), listens of the database near them (schema NEARBY; ``reach`` says which), the keys that the database knows
(schema CACHED), and what each service records (``RecordingService``). Out: a verdict on each listen that is not simply
loaded (schema VERDICTS), and, after ``apply_doubles``, what is loaded, skipped, a duplicate, and on what evidence.

1. ``plays``: listens become plays; ``windows``: when each of them may have begun.
2. ``candidates``: the pairs that may be one play. Starts are compared with starts, ends with ends.
3. ``groups``: pairs are joined one to one between services, the nearest first.
4. ``choose``: in each group one record stays; those of its second are *the same*, the others *likely doubles*.

``library`` applies the same to the listens of a database alone, whoever wrote them.

How many plays are stored does not depend on the order of services, files, rows or runs, for a listener who hears one
thing at a time. It may, by one play each, in these histories:

- One scrobbler recorded a play more than 10 s after it began, and another one did not (60 s for ListenBrainz of before
  2017): only Spotify's record, if it comes first, shows that both mean one play.
- Two plays of under two minutes on repeat before 2017, in ListenBrainz; or a play of under a minute in account data.
- A play that was not scrobbled, of a track that was scrobbled from elsewhere within the 48 h before, where neither
  another title nor Spotify has anything between: its start is not known, so that the scrobble may be its.
- The same where an export is cut while a track is on repeat, and its parts are loaded in different runs.
- Account data is in the database, a play was paused, and its track begins again in the minute in which it ended.
- On repeat, a scrobble has the very second in which the play before it ended, which nobody scrobbled: a database holds
  one of the two. Another record of the later play is loaded instead, as soon as a run has one.
- Koito's export of versions that do not tell the client: plays that it got from Spotify have their end as their start.
"""

from etl.dedupe.apply import ACCOUNT_TWIN, SAME_AS, Settled, apply_doubles, nothing_settled, tracks_of_doubles
from etl.dedupe.library import stored_doubles
from etl.dedupe.match import find_doubles
from etl.dedupe.plays import COMPARED
from etl.dedupe.reach import Reach, may_hold, reach
from etl.dedupe.services import END, START, RecordingService

__all__ = [
    "ACCOUNT_TWIN",
    "COMPARED",
    "END",
    "SAME_AS",
    "START",
    "Reach",
    "RecordingService",
    "Settled",
    "apply_doubles",
    "find_doubles",
    "may_hold",
    "nothing_settled",
    "reach",
    "stored_doubles",
    "tracks_of_doubles",
]
