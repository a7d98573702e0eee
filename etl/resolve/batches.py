"""Cuts a plan into batches that can be written side by side. Pure.

A foreign key to another connection's uncommitted row fails at once, so an entity that is new may be used by one
batch only, until that batch is committed. What several batches would need is moved into *seeds*: a few keys that
bring all shared entities, written first and one after the other, each entity with a listen of its own. All other
batches are then independent of each other, and those that need no seed can start at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from etl.resolve.catalog import FIRST_NEW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from etl.resolve.catalog import Catalog
    from etl.resolve.plan import Plan

# Rows that a new key adds beside its listens: track, alias, credits, lookup, its share of artist and release.
ROWS_PER_KEY = 6


Need: TypeAlias = "tuple[str, int]"
"""An entity that does not exist yet: its table and placeholder id."""


class Item(NamedTuple):
    """A resolved key: how many listens it has, and the entities that it needs which do not exist yet."""

    key: str
    listens: int
    group: tuple[int, int, int]
    """Items of one group (first artist of the release, release, track) share entities most likely."""
    needs: tuple[Need, ...]
    maker: str
    """The key that made the item's release with its first artist: it has to be written with it, or before."""


@dataclass(frozen=True)
class Cut:
    """The batches of a round: lists of keys."""

    seeds: list[list[str]]
    """To be committed in this order, before ``after`` starts."""
    free: list[list[str]]
    """Independent of all others."""
    after: list[list[str]]
    """Independent of each other, once the seeds are committed."""


def items(plan: Plan, catalog: Catalog, listens: Mapping[str, int]) -> list[Item]:
    """Return the plan's resolved keys; ``listens`` counts per key."""
    found = []
    for key, ids in plan.resolved.items():
        track = catalog.tracks[ids.track]
        if track.id < FIRST_NEW:
            found.append(Item(key, listens[key], (0, track.release, track.id), (), key))
            continue
        needs = [("tracks", track.id), *(("artists", artist) for artist in track.artists if artist >= FIRST_NEW)]
        owner, maker = 0, key
        if track.release >= FIRST_NEW:
            needs.append(("releases", track.release))
            owner = plan.release_artists[track.release - FIRST_NEW][0]
            maker = plan.release_keys[track.release - FIRST_NEW]
        found.append(Item(key, listens[key], (owner, track.release, track.id), tuple(needs), maker))
    return found


def cut(found: Sequence[Item], size: int) -> Cut:
    """Return the batches of ``found``, each of about ``size`` rows at most (a key is never divided)."""
    chunks = _chunks(sorted(found, key=attrgetter("group", "key")), size)
    seeds = _choose_seeds(chunks, _shared(chunks))
    seeded = {need for item in seeds for need in item.needs}
    chosen = {item.key for item in seeds}
    free: list[list[str]] = []
    after: list[list[str]] = []
    for chunk in chunks:
        rest = [item for item in chunk if item.key not in chosen]
        if rest:
            waits = any(need in seeded for item in rest for need in item.needs)
            (after if waits else free).append([item.key for item in rest])
    return Cut([[item.key for item in chunk] for chunk in _chunks(seeds, size)], free, after)


def _chunks(ordered: Iterable[Item], size: int) -> list[list[Item]]:
    chunks: list[list[Item]] = []
    room = 0
    for item in ordered:
        weight = item.listens + ROWS_PER_KEY
        if not chunks or weight > room:
            chunks.append([])
            room = size
        chunks[-1].append(item)
        room -= weight
    return chunks


def _shared(chunks: Sequence[Sequence[Item]]) -> set[Need]:
    """Return the entities that more than one chunk needs."""
    home: dict[Need, int] = {}
    shared: set[Need] = set()
    for number, chunk in enumerate(chunks):
        for item in chunk:
            for need in item.needs:
                if home.setdefault(need, number) != number:
                    shared.add(need)
    return shared


def _choose_seeds(chunks: Sequence[Sequence[Item]], shared: set[Need]) -> list[Item]:
    """Return items that together need every shared entity, a release's maker before others of the release."""
    by_key = {item.key: item for chunk in chunks for item in chunk} if shared else {}
    seeds: dict[str, Item] = {}
    covered: set[Need] = set()
    for chunk in chunks:
        for item in chunk:
            if any(need in shared and need not in covered for need in item.needs):
                for seed in (by_key[item.maker], item):
                    seeds.setdefault(seed.key, seed)
                    covered.update(seed.needs)
    return list(seeds.values())
