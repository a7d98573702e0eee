"""Which exit code is used if several apply, and what an error says."""

from __future__ import annotations

import pickle
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, permutations, product

import pytest

from etl.core.errors import (
    BrokenFileError,
    DatabaseError,
    EtlError,
    ExitCode,
    InputError,
    InternalError,
    InterruptedRunError,
    SettingsError,
    decisive,
)
from etl.core.packages import MissingPackageError
from etl.core.signals import one_interruption, wait_interruptibly
from etl.targets.base import Failure
from etl.targets.sqlite.errors import SqliteError

ORDER = (129, 130, 143, 1, 3, 7, 6, 2, 4, 5, 141, 0)
CODES = {int(code): code for code in ExitCode}


@pytest.mark.parametrize(("one", "other"), list(product(ORDER, ORDER)))
def test_the_first_of_two_codes_in_precedence_decides(one: int, other: int) -> None:
    assert decisive([CODES[one], CODES[other]]) == min(one, other, key=ORDER.index)


def test_the_first_code_in_precedence_decides_in_any_order() -> None:
    for first in range(len(ORDER)):
        for codes in islice(permutations(reversed(ORDER[first:])), 24):
            assert decisive(CODES[code] for code in codes) == ORDER[first]


def test_without_any_code_the_result_is_ok() -> None:
    assert decisive([]) is ExitCode.OK


def test_every_code_has_a_place_in_the_order_and_a_meaning() -> None:
    assert set(ExitCode) == set(ORDER)
    assert all(code.meaning.strip() for code in ExitCode)
    assert len({code.meaning for code in ExitCode}) == len(ExitCode)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EtlError("x"), 1),
        (InternalError("x"), 1),
        (SettingsError("x"), 2),
        (DatabaseError("x"), 3),
        (InputError("x"), 4),
        (BrokenFileError("x"), 4),
        (InterruptedRunError(ExitCode.INTERRUPTED), 130),
        (InterruptedRunError(ExitCode.TERMINATED), 143),
    ],
)
def test_an_error_has_its_exit_code(error: EtlError, code: int) -> None:
    assert error.exit_code == code


@pytest.mark.parametrize(
    ("message", "hint", "text"),
    [
        ("it broke", "", "it broke"),
        ("it broke", "Mend it", "it broke. Mend it"),
        ("It broke.", "Mend it", "It broke. Mend it"),
        ("broken?", "Mend it", "broken? Mend it"),
        ("broken!", "Mend it", "broken! Mend it"),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(message: str, hint: str, text: str) -> None:
    error = EtlError(message, hint)
    assert (str(error), error.message, error.hint) == (text, message, hint)


def test_an_interruption_from_anywhere_is_ours() -> None:
    with pytest.raises(InterruptedRunError) as caught, one_interruption():
        raise KeyboardInterrupt
    assert caught.value.exit_code is ExitCode.INTERRUPTED
    assert "again" in caught.value.hint


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(InterruptedRunError) as caught, one_interruption():
        raise InterruptedRunError(ExitCode.TERMINATED)
    assert caught.value.exit_code is ExitCode.TERMINATED


def test_a_signal_that_another_thread_takes_is_handled_by_the_main_one() -> None:
    heard = threading.Event()

    def take() -> str:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        return "heard" if heard.wait(20) else "not heard"

    before = signal.signal(signal.SIGUSR1, lambda _number, _frame: heard.set())
    try:
        with ThreadPoolExecutor(1) as threads:
            assert wait_interruptibly(threads.submit(take)) == "heard"
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_awaited_work_may_time_out_itself() -> None:
    def give_up() -> None:
        raise TimeoutError("too long")

    with ThreadPoolExecutor(1) as threads, pytest.raises(TimeoutError, match="too long"):
        wait_interruptibly(threads.submit(give_up))


@pytest.mark.parametrize(
    "error",
    [
        DatabaseError("the server is gone", "Start it"),
        InterruptedRunError(ExitCode.TERMINATED),
        MissingPackageError("httpx"),
        SqliteError("database or disk is full", Failure.FULL),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_passes_between_processes_whole(error: EtlError) -> None:
    error.manifest = {"run_id": "20240131"}
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)
    assert (again.exit_code, again.args) == (error.exit_code, error.args)
