"""Calls that run at the same time: one waits for the disk, and another for the processor."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def at_once(call: Callable[[], None], *others: Callable[[], None]) -> None:
    """Run them all, and return when all have ended.

    Args:
        call: runs in this thread.
        others: run in threads of their own.

    Raises:
        BaseException: what a call raised; of several, that of the first.
    """
    failed: dict[int, BaseException] = {}

    def run(number: int) -> None:
        try:
            others[number]()
        except BaseException as error:  # noqa: BLE001 - it is raised again, where it is seen
            failed[number] = error

    threads = [Thread(target=run, args=(number,)) for number in range(len(others))]
    for thread in threads:
        thread.start()
    try:
        call()
    finally:
        for thread in threads:
            thread.join()
    if failed:
        raise failed[min(failed)]
