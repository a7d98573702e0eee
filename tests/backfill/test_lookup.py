"""Which rule looks up an entity, and how the worker threads keep the limits of a run."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from etl.backfill.http.service import ServiceClient
from etl.backfill.lookup import LookupWorkers, look_up
from etl.backfill.rules.durations import find_duration
from etl.backfill.rules.findings import FindingOutcome
from etl.backfill.rules.identify import MIN_SCORE, identify_album, identify_artist, identify_track
from etl.backfill.rules.images import find_album_image, find_artist_image
from etl.backfill.services.request import RequestFailedError, Service, ServiceGivenUpError
from etl.backfill.settings import BackfillSettings
from tests.backfill.rules.fakes import ANN, DEBUT, FIRST, FakeFetch

if TYPE_CHECKING:
    from etl.backfill.lookup import Lookup
    from etl.backfill.rules.entities import Entity
    from etl.backfill.rules.findings import Finding
    from etl.backfill.services.request import Request

FOREVER = float("inf")


def settings(task: str = "images", limit: int | None = None) -> BackfillSettings:
    return BackfillSettings(task, (), contact="me@example.org", limit=limit)


class StubService(ServiceClient):
    """Answers every request, not from the cache, that nothing was found; or raises an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def answer(self, request: Request[Any]) -> tuple[Any, bool]:
        if self._error:
            raise self._error
        return request.answer_type(), False


def look_up_five(
    service: ServiceClient, limit: int | None = None, deadline: float = FOREVER
) -> tuple[LookupWorkers, list[Lookup]]:
    with LookupWorkers(settings(limit=limit), service, threading.Event(), deadline) as workers:
        return workers, [lookup for lookup in workers.look_up_all([ANN] * 5) if lookup]


@pytest.mark.parametrize(
    ("task", "entity", "expected"),
    [
        ("images", ANN, find_artist_image(ANN, FakeFetch())),
        ("images", DEBUT, find_album_image(DEBUT, FakeFetch(), (Service.DEEZER,), {})),
        ("musicbrainz", ANN, identify_artist(ANN, FakeFetch(), MIN_SCORE)),
        ("musicbrainz", DEBUT, identify_album(DEBUT, FakeFetch(), MIN_SCORE)),
        ("musicbrainz", FIRST, identify_track(FIRST, FakeFetch(), MIN_SCORE)),
        ("durations", FIRST, find_duration(FIRST, FakeFetch(), MIN_SCORE)),
    ],
)
def test_look_up_applies_the_rule_of_the_task(task: str, entity: Entity, expected: Finding) -> None:
    assert look_up(entity, FakeFetch(), settings(task)) == expected


def test_workers_look_up_every_entity() -> None:
    workers, lookups = look_up_five(StubService())
    assert [(lookup.finding.outcome, lookup.was_asked) for lookup in lookups] == [(FindingOutcome.NOT_FOUND, True)] * 5
    assert (workers.stopped_by, workers.given_up) == (None, set())


def test_workers_stop_at_the_limit() -> None:
    workers, lookups = look_up_five(StubService(), limit=2)
    assert (len(lookups), workers.budget, workers.stopped_by) == (2, 0, "limit")


def test_workers_stop_at_the_deadline() -> None:
    workers, _ = look_up_five(StubService(), deadline=time.monotonic())
    assert workers.stopped_by == "max_runtime"


def test_failed_request_is_a_finding() -> None:
    _, lookups = look_up_five(StubService(RequestFailedError("status 400")))
    assert {(lookup.finding.outcome, lookup.finding.detail) for lookup in lookups} == {
        (FindingOutcome.FAILED, "status 400")
    }


def test_entities_of_a_given_up_service_are_left_out() -> None:
    workers, lookups = look_up_five(StubService(ServiceGivenUpError("status 503")))
    assert (lookups, workers.given_up) == ([], {"status 503"})
