"""Calls that run at the same time: one waits for the disk, and another for the processor."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def at_once(call: Callable[[], None], *others: Callable[[], None]) -> None:
    """Run them all, and return when all have ended.

    Args:
        call: runs in this thread.
        others: run in threads of their own.

    Raises:
        BaseException: what a call raised; of several, that of the first.
    """
    with meanwhile(*others) as wait:
        call()
        wait()


@contextmanager
def meanwhile(*calls: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Run calls in threads of their own while the body runs; they have ended when it has.

    Yields:
        What waits for them, and raises what a call raised; of several, that of the first.
    """
    failed: dict[int, BaseException] = {}

    def run(number: int) -> None:
        try:
            calls[number]()
        except BaseException as error:  # noqa: BLE001 - it is raised again, where it is waited for
            failed[number] = error

    threads = [Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()

    def wait() -> None:
        for thread in threads:
            thread.join()
        if failed:
            raise failed[min(failed)]

    try:
        yield wait
    finally:
        for thread in threads:
            thread.join()
