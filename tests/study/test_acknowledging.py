"""An answer to Ctrl-C at once, from another thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from hpcore.study.acknowledging import Acknowledging
from hpcore.workers.interrupts import Interrupts


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    assert signal.set_wakeup_fd(-1) == -1


def test_it_answers_before_the_handler_can_run() -> None:
    answered = threading.Event()
    interrupts = Interrupts()
    with Acknowledging(answered.set), interrupts, pytest.raises(KeyboardInterrupt), interrupts.held():
        signal.raise_signal(signal.SIGINT)  # the handler only notes it, as in a step that must be completed
        assert answered.wait(10)


def test_it_answers_once() -> None:
    n: list[int] = []
    answered = threading.Event()

    def answer() -> None:
        n.append(1)
        answered.set()

    with Acknowledging(answer), Interrupts():
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
                raise KeyboardInterrupt  # the echo of the first is not raised
            assert answered.wait(10)
    assert n == [1]


def test_a_handler_of_the_user_decides_for_itself() -> None:
    n: list[int] = []
    seen: list[int] = []
    with Acknowledging(lambda: n.append(1)):
        signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
        with Interrupts():
            signal.raise_signal(signal.SIGINT)
    assert seen == [signal.SIGINT] and not n


def test_other_libraries_that_signals_wake_up_are_left_alone() -> None:
    import socket

    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.fileno())
    try:
        with Acknowledging(lambda: None):
            assert signal.set_wakeup_fd(writing.fileno()) == writing.fileno()
    finally:
        assert signal.set_wakeup_fd(-1) == writing.fileno()
        reading.close()
        writing.close()


def test_outside_of_the_main_thread_nothing_is_done() -> None:
    def enter() -> int:
        with Acknowledging(lambda: None):
            return threading.active_count()

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(enter).result() == threading.active_count()
