"""A reader of a change log may take what it has missed in batches."""

from bridge.core.change_log import Backlog, ChangeLog


def test_a_backlog_is_taken_in_batches_and_once() -> None:
    """What is noted twice is taken once, in the order of the first time."""
    backlog: Backlog[int] = Backlog()
    backlog.add([3, 1, 2])
    backlog.add([1, 4])
    assert (backlog.take(2), len(backlog)) == ([3, 1], 2)
    backlog.add([1])
    assert (backlog.take(), backlog.take(), len(backlog)) == ([2, 4, 1], [], 0)


def test_a_backlog_notes_a_version_once() -> None:
    """A version that was noted asks for no changes."""
    log: ChangeLog[str] = ChangeLog()
    backlog: Backlog[str] = Backlog()
    asked = []

    def changed_since(version: int) -> set[str]:
        asked.append(version)
        return log.since(version) or {"everything"}

    log.record(["a"])
    assert backlog.note(log.version, changed_since)
    assert not backlog.note(log.version, changed_since)
    log.record(["b"])
    assert backlog.note(log.version, changed_since)
    assert (asked, backlog.take()) == ([-1, 1], ["everything", "b"])
