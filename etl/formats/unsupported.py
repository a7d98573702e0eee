"""Lists files that look like a listening history but are not loaded, and downloads with private files in them."""

from __future__ import annotations

from etl.formats import headerless, spotify_extended, timed_lines, youtubemusic_history
from etl.formats.base import Package, Peek, Refusal, name_matches
from etl.formats.other_services import OTHER_SERVICES, is_database
from etl.formats.table_header import ColumnKind, kind_of_table


def _is_podcasts(peek: Peek) -> bool:
    named = name_matches(peek.name, ("StreamingHistory_podcast_*.json", "StreamingHistory_audiobook_*.json"))
    other = not peek.keys.isdisjoint({"podcastName", "audiobookName"})
    return peek.shape == "[" and "artistName" not in peek.keys and (other if peek.keys else named)


def _is_backup(peek: Peek) -> bool:
    named = name_matches(peek.name, ("maloja_backup*.tar.gz", "malojadb.sqlite*"))
    return named or is_database(peek, b"trackartists", b"scrobbles")


def _is_koito_database(peek: Peek) -> bool:
    return name_matches(peek.name, ("koito.db",)) or is_database(peek, b"artist_aliases", b"track_aliases")


def _is_technical_log(peek: Peek) -> bool:
    return {"context_time", "context_receiver_service_timestamp"} <= peek.keys and not peek.keys & {"ts", "endTime"}


def _is_top_list(peek: Peek) -> bool:
    if peek.shape:
        return not peek.keys.isdisjoint(_TOP_LISTS) and peek.keys.isdisjoint({"recenttracks", "uts"})
    return kind_of_table(peek) is ColumnKind.TOP_LIST


def _is_feedback(peek: Peek) -> bool:
    named = name_matches(peek.name, ("feedback.jsonl", "pinned_recording.jsonl", "*_lb_feedback-*.json"))
    recording = not peek.keys.isdisjoint({"recording_mbid", "recording_msid"}) and "created" in peek.keys
    marks = recording and "listened_at" not in peek.keys and not peek.keys.isdisjoint({"score", "pinned_until"})
    return marks if peek.keys else named


def _is_public_dump(peek: Peek) -> bool:
    """Say whether a file is ListenBrainz's dump of all users' listens, or a part of it."""
    if name_matches(peek.name, ("listenbrainz-*.tar", "listenbrainz-*.tar.*", "*.listens.zst")):
        return True
    if peek.head.startswith(b"PAR1"):
        return name_matches(peek.name, ("[0-9]*.parquet", "listenbrainz*.parquet"))
    return {"user_id", "timestamp", "track_metadata"} <= peek.keys and "listened_at" not in peek.keys


def _is_takeout_page(peek: Peek) -> bool:
    """Say whether a file is a page of Google Takeout: by its style sheet, which fills the peek, or by its name."""
    start = peek.head[:1024].lower()
    is_page = b"<html" in start or b"<!doctype html" in start
    named = name_matches(peek.name, ("watch-history.html", "Wiedergabeverlauf.html"))
    return is_page and (named or b"outer-cell" in peek.head or b"My Activity History" in peek.head)


def _is_takeout_library(peek: Peek) -> bool:
    """Say whether a file is the list of songs in a library of YouTube Music."""
    first = next(iter(peek.first_lines), "").lower()
    return not peek.shape and first.startswith("video id,song title,")


def _is_last_plays(peek: Peek) -> bool:
    """Say whether a file is Apple Music's list of when each track was last played."""
    first = next(iter(peek.first_lines), "").lower()
    return not peek.shape and first.startswith("track name,last played date,")


_TOP_LISTS = frozenset(
    f"{prefix}{kind}{suffix}"
    for prefix, suffix in (("top", "s"), ("weekly", "chart"))
    for kind in ("artist", "album", "track")
)

REFUSALS = (
    Refusal(
        name="spotify-podcasts",
        source="spotify",
        title="Spotify podcast and audiobook history",
        recognise=_is_podcasts,
        advice="It holds episodes of podcasts or chapters of audiobooks, which are not listens to music",
        harmless=True,
    ),
    Refusal(
        name="listenbrainz-feedback",
        source="listenbrainz",
        title="ListenBrainz feedback or pins",
        recognise=_is_feedback,
        advice="It holds recordings that were loved, hated or pinned, not listens",
        harmless=True,
    ),
    Refusal(
        name="listenbrainz-dump",
        source="listenbrainz",
        title="ListenBrainz public dump",
        recognise=_is_public_dump,
        advice="It holds the listens of all users. Export your own: listenbrainz.org > Settings > Export data",
    ),
    Refusal(
        name="spotify-technical-log",
        source="spotify",
        title="Spotify technical log information",
        recognise=_is_technical_log,
        advice="It has diagnostic events of the app, not plays. Request the extended streaming history: "
        "spotify.com > Account > Privacy > Download your data",
        harmless=True,
    ),
    Refusal(
        name="lastfm-top-list",
        source="lastfm",
        title="Last.fm top list or weekly chart",
        recognise=_is_top_list,
        advice="It has play counts, not the times of plays. Export the scrobbles: lastfm.ghan.nl/export",
        harmless=True,
    ),
    Refusal(
        name="youtubemusic-page",
        source="youtubemusic",
        title="YouTube history as a web page (Google Takeout)",
        recognise=_is_takeout_page,
        advice="Choose JSON: takeout.google.com > YouTube and YouTube Music > Multiple formats > History: JSON",
    ),
    Refusal(
        name="youtubemusic-searches",
        source="youtubemusic",
        title="YouTube search history (Google Takeout)",
        recognise=youtubemusic_history.is_searches,
        advice="It lists searches, not plays",
        harmless=True,
    ),
    Refusal(
        name="youtubemusic-library",
        source="youtubemusic",
        title="YouTube Music library (Google Takeout)",
        recognise=_is_takeout_library,
        advice="It holds the songs of a library, not when they were played",
        harmless=True,
    ),
    Refusal(
        name="applemusic-last-plays",
        source="applemusic",
        title="Apple Music track play history",
        recognise=_is_last_plays,
        advice="It holds the last play of each track only. The plays are in Apple Music Play Activity.csv",
        harmless=True,
    ),
    Refusal(
        name="koito-database",
        source="koito",
        title="Koito database",
        recognise=_is_koito_database,
        advice="It is Koito's own database, not an export: use Settings > Export",
    ),
    Refusal(
        name="maloja-backup",
        source="maloja",
        title="Maloja backup",
        recognise=_is_backup,
        advice="It is a copy of Maloja's database, not an export: use Export, not Backup",
    ),
    *OTHER_SERVICES,
    timed_lines.REFUSAL,
    headerless.REFUSAL,
)

PACKAGES = (
    Package(
        source="spotify",
        private=(
            "DuoNewFamily.json",
            "FamilyPlan*.json",
            "Follow.json",
            "Identifiers.json",
            "Identity.json",
            "Inferences.json",
            "Marquee.json",
            "MessageData.json",
            "Payments.json",
            "Playlist[0-9]*.json",
            "PodcastInteractivity*.json",
            "SearchQueries.json",
            "UserAddress.json",
            "UserPrompts.json",
            "Userdata.json",
            "Wrapped20[0-9][0-9].json",
            "YourLibrary.json",
            "YourSoundCapsule.json",
            "Spotify Technical Log Information/*",
        ),
        histories=(*spotify_extended.FORMAT.file_names, "StreamingHistory[0-9]*.json", "StreamingHistory_music_*.json"),
        advice="This Spotify download has no streaming history in it. Request the extended streaming history: "
        "spotify.com > Account > Privacy > Download your data",
    ),
)
