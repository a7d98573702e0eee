"""Files that people take for a listening history, what to do instead, and downloads with private files in them."""

from __future__ import annotations

from etl.sources import spotify_extended
from etl.sources.base import Package, Peek, Refusal, name_matches


def _is_podcasts(peek: Peek) -> bool:
    named = name_matches(peek.name, ("StreamingHistory_podcast_*.json", "StreamingHistory_audiobook_*.json"))
    other = not peek.keys.isdisjoint({"podcastName", "audiobookName"})
    return peek.shape == "[" and (other if peek.keys else named)


def _is_backup(peek: Peek) -> bool:
    return name_matches(peek.name, ("maloja_backup*.tar.gz", "malojadb.sqlite*"))


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
        name="maloja-backup",
        source="maloja",
        title="Maloja backup",
        recognise=_is_backup,
        advice="It is a copy of Maloja's database, not an export: use Export, not Backup",
    ),
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
        histories=(*spotify_extended.FORMAT.file_names, "StreamingHistory*.json"),
        advice="This Spotify download has no streaming history in it. Request the extended streaming history: "
        "spotify.com > Account > Privacy > Download your data",
    ),
)
