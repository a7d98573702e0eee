"""Which redirects are followed: no other host may learn the contact, and nothing may read it on its way."""

from __future__ import annotations

import httpx
import pytest

from etl.backfill.http.redirects import redirect_target
from etl.backfill.services.coverart import IMAGE_HOSTS
from etl.backfill.services.request import RequestFailedError

HERE = httpx.URL("https://coverartarchive.org/release/1/front")


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://a.example/one", "/two?x=1", "https://a.example/two?x=1"),
        ("http://a.example/one", "https://a.example/one", "https://a.example/one"),
        ("http://a.example:5000/one", "http://a.example:5001/one", "http://a.example:5001/one"),
    ],
)
def test_redirect_within_a_host_is_followed(url: str, location: str, target: str) -> None:
    assert str(redirect_target(httpx.URL(url), location, ())) == target


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://b.example/", "another host, b.example"),
        ("https://coverartarchive.org.b.example/", "another host"),
        ("https://notarchive.org/", "another host, notarchive.org"),
        ("http://coverartarchive.org/release/1/front", "http, which is not encrypted"),
        ("ftp://coverartarchive.org/", "not a web page"),
    ],
)
def test_redirect_to_elsewhere_is_refused(location: str, reason: str) -> None:
    with pytest.raises(RequestFailedError, match=reason):
        redirect_target(HERE, location, IMAGE_HOSTS)


@pytest.mark.parametrize("location", ["https://archive.org/x.jpg", "http://ia8.us.archive.org/x.jpg"])
def test_redirect_to_a_host_of_images_is_the_answer(location: str) -> None:
    assert redirect_target(HERE, location, IMAGE_HOSTS) is None
