"""The status of a download as clients see it, and the properties of every status."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.model import DownloadPhase, Entry, GrabPhase, Phase, RemoteItem
from bridge.core.status import (
    ETA_UNKNOWN,
    FAILED_WORDS,
    NEARLY,
    QUICK_CACHED_SECONDS,
    QUICK_SECONDS,
    STANDSTILL_SECONDS,
    Fetched,
    State,
    files_progress,
    remote_state,
    state_of,
    state_word,
    status_of,
)
from tests.support.scenes import (
    active,
    delivered,
    delivering,
    download,
    entry,
    failed,
    failed_grab,
    finished,
    grab,
    item,
    planned,
    queued,
    ready,
    whole,
)

READ_AS_COMPLETE = {
    State.PAUSED_UP,
    State.UPLOADING,
    State.STALLED_UP,
    State.QUEUED_UP,
    State.FORCED_UP,
    State.CHECKING_UP,
}
"""What an *arr imports, and `checkingUP`, which comes close."""

WORDS = {
    "downloading": State.DOWNLOADING,
    "downloading (slow)": State.DOWNLOADING,
    "uploading": State.DOWNLOADING,
    "uploading (no peers)": State.DOWNLOADING,
    "completed": State.DOWNLOADING,
    "processing": State.DOWNLOADING,
    "moving": State.DOWNLOADING,
    "forceddl": State.FORCED_DL,
    "metadl": State.META_DL,
    "checkingresumedata": State.CHECKING_RESUME_DATA,
    "checking": State.CHECKING_DL,
    "checkingdl": State.CHECKING_DL,
    "checkingup": State.CHECKING_DL,
    "allocating": State.CHECKING_DL,
    "verifying": State.CHECKING_DL,
    "repairing": State.CHECKING_DL,
    "queued": State.QUEUED_DL,
    "queueddl": State.QUEUED_DL,
    "queuedup": State.QUEUED_DL,
    "waiting": State.QUEUED_DL,
    "paused": State.PAUSED_DL,
    "pauseddl": State.PAUSED_DL,
    "pausedup": State.PAUSED_DL,
    "stalled": State.STALLED_DL,
    "stalleddl": State.STALLED_DL,
    "stalledup": State.STALLED_DL,
    "stalled (no seeds)": State.STALLED_DL,
    "stalled (no peers)": State.STALLED_DL,
    "incomplete": State.STALLED_DL,
    "inactive (>30 days)": State.STALLED_DL,
    "error": State.ERROR,
    "failed": State.ERROR,
    "failed (aborted, encryption detected)": State.ERROR,
    "dead": State.ERROR,
    "corrupt": State.ERROR,
    "missing": State.ERROR,
    "missingfiles": State.ERROR,
    "reported missing": State.ERROR,
    "timedout (>2 days)": State.ERROR,
    "expired": State.ERROR,
    "cached": State.STALLED_DL,
    "unknown": State.STALLED_DL,
    "direct unpack": State.STALLED_DL,
    "extracting": State.STALLED_DL,
    "forcedup": State.STALLED_DL,
    "": State.STALLED_DL,
    "(odd)": State.STALLED_DL,
}
"""Every text that TorBox or a client of it is known for, of an active item that does not move."""

moods = st.sampled_from([str.lower, str.upper, str.title])
SLOW: dict[str, Any] = {"observed_seconds": 600.0}
"""Of a download that TorBox needed its time for."""

texts = st.sampled_from(sorted(WORDS)) | st.text(max_size=12)
shares = st.floats(0.0, 1.0)
speeds = st.sampled_from([0, 1, 10**12])
sizes = st.sampled_from([0, 1, 1000, 2**62])

remote_items = st.builds(
    item,
    state=st.builds(lambda mood, text: mood(text), moods, texts),
    progress=shares,
    download_speed=speeds,
    upload_speed=speeds,
    eta=st.sampled_from([0, 1, ETA_UNKNOWN, 10**12]),
    seeds=st.integers(0, 9),
    size=sizes,
    availability=st.none() | st.floats(0, 5),
    active=st.booleans(),
    finished=st.booleans(),
    present=st.booleans(),
    files=st.sampled_from([(), whole().files]),
)
entries = st.builds(
    Entry,
    st.builds(
        download,
        phase=st.sampled_from(DownloadPhase),
        size=sizes,
        remote_progress=shares,
        ratio=st.floats(0, 100),
        observed_seconds=st.sampled_from([0.0, 600.0]),
    ),
    st.builds(
        grab,
        phase=st.sampled_from(GrabPhase),
        stopped=st.booleans(),
        force_start=st.booleans(),
        size=sizes,
        progress=shares,
        moving_to=st.sampled_from(["", "/elsewhere"]),
        missing_files=st.booleans(),
    ),
)
fetches = st.builds(Fetched, done=sizes, speed=speeds)


@pytest.mark.parametrize(("text", "state"), WORDS.items())
@pytest.mark.parametrize("mood", [str.lower, str.upper, " {} ".format])
def test_states_of_torbox(text: str, state: State, mood: Callable[[str], str]) -> None:
    """Each known text has its state, however it is written."""
    speed = 1 if state in {State.DOWNLOADING, State.FORCED_DL} else 0
    assert state_of(entry(active()), item(state=mood(text), download_speed=speed)) is state


@pytest.mark.parametrize(
    "text", ["downloading", "forceddl", "uploading", "completed", "processing"]
)
@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize(
    ("idle", "state"),
    [
        (0, State.QUEUED_DL),
        (STANDSTILL_SECONDS - 1, State.QUEUED_DL),
        (STANDSTILL_SECONDS, State.STALLED_DL),
    ],
)
def test_nothing_downloads_at_no_speed(
    text: str, idle: float, state: State, *, forced: bool
) -> None:
    """A client would take it for slow, and its eta for never; a standstill is told as one."""
    waiting = entry(active(idle_seconds=idle), force_start=forced)
    assert state_of(waiting, item(state=text)) is state
    status = status_of(waiting, item(state=text), None)
    assert (status.availability >= 1) is (state is State.QUEUED_DL)


@pytest.mark.parametrize("text", sorted(WORDS))
def test_what_torbox_stores_waits(text: str) -> None:
    """While TorBox copies it to its storage nothing moves; `uploading` would be imported."""
    assert remote_state(item(state=text, finished=True), moving=False) is State.QUEUED_DL


@pytest.mark.parametrize("text", ["downloading", "stalled", "quux", ""])
def test_no_size_no_metadata(text: str) -> None:
    """An active item without a size is looking for its metadata, whatever it says."""
    assert remote_state(item(state=text, size=0), moving=False) is State.META_DL
    assert remote_state(item(state=text, size=0, active=False), moving=True) is State.STALLED_DL


@pytest.mark.parametrize("text", ["downloading", "cached", "quux", "forceddl", "completed"])
def test_what_is_not_active_stalls(text: str) -> None:
    """An item that TorBox does not work on is stalled, so that its patience runs."""
    assert remote_state(item(state=text, active=False), moving=True) is State.STALLED_DL


@pytest.mark.parametrize("text", ["quux", "cached", "direct unpack", ""])
def test_unknown_words(text: str) -> None:
    """A word we do not know is downloading while anything moves, and else stalled."""
    assert remote_state(item(state=text), moving=True) is State.DOWNLOADING
    assert remote_state(item(state=text, download_speed=1), moving=False) is State.DOWNLOADING
    assert remote_state(item(state=text), moving=False) is State.STALLED_DL


@given(remote_items, st.booleans())
def test_only_failed_words_are_errors(remote_item: RemoteItem, moving: bool) -> None:
    """An error is one of the known words of an unfinished item, and no state reads as complete."""
    state = remote_state(remote_item, moving=moving)
    failed = state_word(remote_item.state) in FAILED_WORDS and not remote_item.finished
    assert (state is State.ERROR) is failed
    assert state not in READ_AS_COMPLETE


ACTIVE = entry(active())
FETCHING = entry(ready(), delivering())
FINISHED = entry(ready(), finished())
SLOW_ACTIVE = entry(active(**SLOW))
SLOW_FETCHING = entry(ready(**SLOW), delivering())


@pytest.mark.parametrize(
    ("shown", "phase", "state", "stopped_state"),
    [
        (entry(download()), Phase.ACCEPTED, State.QUEUED_DL, State.PAUSED_DL),
        (
            entry(download(phase=DownloadPhase.SUBMITTING)),
            Phase.SUBMITTING,
            State.QUEUED_DL,
            State.PAUSED_DL,
        ),
        (entry(queued()), Phase.QUEUED, State.QUEUED_DL, State.PAUSED_DL),
        (ACTIVE, Phase.REMOTE, State.QUEUED_DL, State.PAUSED_DL),
        (entry(ready(), planned()), Phase.READY, State.QUEUED_DL, State.PAUSED_DL),
        (FETCHING, Phase.DELIVERING, State.QUEUED_DL, State.PAUSED_DL),
        (entry(ready(), delivered()), Phase.DELIVERED, State.STALLED_UP, State.STALLED_UP),
        (FINISHED, Phase.FINISHED, State.PAUSED_UP, State.PAUSED_UP),
        (entry(failed()), Phase.FAILED, State.ERROR, State.ERROR),
        (entry(active(), failed_grab()), Phase.FAILED, State.ERROR, State.ERROR),
        (entry(failed(), finished()), Phase.FINISHED, State.PAUSED_UP, State.PAUSED_UP),
    ],
)
def test_states_of_phases(shown: Entry, phase: Phase, state: State, stopped_state: State) -> None:
    """Each phase has its state before TorBox has said anything, and its own when it is paused."""
    assert shown.phase is phase
    assert state_of(shown, None) is state
    stopped = entry(shown.download, shown.grab, stopped=True)
    assert state_of(stopped, None) is stopped_state


def test_seeding() -> None:
    """A delivered grab seeds while TorBox uploads."""
    seeding = entry(ready(), delivered())
    assert state_of(seeding, whole(upload_speed=5)) is State.UPLOADING
    assert state_of(seeding, whole()) is State.STALLED_UP


def test_moving_and_missing_files() -> None:
    """A complete grab that is being moved or lacks files is not importable."""
    assert state_of(entry(ready(), finished(moving_to="/x")), None) is State.MOVING
    assert state_of(entry(ready(), delivered(missing_files=True)), None) is State.MISSING_FILES


def test_two_grabs_of_one_hash_are_shown_by_their_own() -> None:
    """One client sees its files while another one of the same hash still fetches or has failed."""
    shared = ready()
    grabs = (finished(), delivering(1, 2), failed_grab(1, 3))
    states = [state_of(entry(shared, one), whole()) for one in grabs]
    assert states == [State.PAUSED_UP, State.QUEUED_DL, State.ERROR]


def test_forced() -> None:
    """A forced grab says so while TorBox looks for it, and while its files are fetched."""
    fetching = entry(ready(), delivering(force_start=True))
    assert state_of(fetching, None, Fetched(0, 1)) is State.FORCED_DL
    assert state_of(fetching, None, Fetched(0, 0)) is State.QUEUED_DL
    forced = entry(active(), force_start=True)
    assert state_of(forced, item(state="metaDL", size=0)) is State.FORCED_META_DL
    assert state_of(forced, item(state="downloading", download_speed=1)) is State.FORCED_DL
    assert state_of(forced, item(state="stalled (no seeds)")) is State.STALLED_DL


@pytest.mark.parametrize(
    ("shown", "remote_item", "fetched", "progress"),
    [
        (entry(download()), None, None, 0.0),
        (ACTIVE, None, None, 0.0),
        (SLOW_ACTIVE, item(progress=0.5), None, 0.25),
        (SLOW_ACTIVE, item(progress=1.0), None, 0.495),
        (entry(ready(**SLOW), planned()), whole(progress=1.0), None, 0.5),
        (SLOW_FETCHING, whole(), None, 0.5),
        (SLOW_FETCHING, whole(), Fetched(500, 1), 0.75),
        (SLOW_FETCHING, whole(), Fetched(1000, 1), NEARLY),
        (SLOW_FETCHING, whole(), Fetched(9000, 1), NEARLY),
        (ACTIVE, item(progress=0.9), None, 0.0),
        (entry(ready(), planned()), whole(progress=1.0), None, 0.0),
        (FETCHING, whole(), None, 0.0),
        (FETCHING, whole(), Fetched(500, 1), 0.5),
        (FETCHING, whole(), Fetched(1000, 1), NEARLY),
        (FINISHED, None, None, 1.0),
        (entry(failed(), progress=0.3), None, None, 0.3),
    ],
)
def test_progress(
    shown: Entry, remote_item: RemoteItem | None, fetched: Fetched | None, progress: float
) -> None:
    """TorBox's work is the first half, the fetch the second; of what was cached the fetch is all."""
    assert status_of(shown, remote_item, fetched).progress == pytest.approx(progress)


def test_progress_where_nothing_is_fetched() -> None:
    """TorBox's work is nearly all of the bar when links or small texts are all that follows."""
    working = status_of(SLOW_ACTIVE, item(progress=0.5), None, remote_share=0.99)
    assert working.progress == pytest.approx(0.495)
    linking = status_of(FETCHING, whole(), Fetched(500, 0), remote_share=0.99)
    assert 0.99 < linking.progress < NEARLY


def test_progress_never_falls() -> None:
    """Progress never falls below what was shown, also across a restart."""
    assert status_of(ACTIVE, item(progress=0.2), None, shown=0.4).progress == 0.4
    assert status_of(entry(active(), progress=0.4), item(progress=0.2), None).progress == 0.4
    assert status_of(entry(ready()), None, None, shown=1.0).progress == NEARLY


@pytest.mark.parametrize(
    ("shown", "remote_item", "fetched", "eta"),
    [
        (ACTIVE, item(download_speed=9, eta=70), None, 70),
        (ACTIVE, item(download_speed=0, eta=70), None, ETA_UNKNOWN),
        (ACTIVE, item(download_speed=10, eta=0), None, 100),
        (ACTIVE, item(download_speed=10, eta=0, progress=0.5), None, 50),
        (ACTIVE, item(download_speed=10, eta=ETA_UNKNOWN), None, 100),
        (ACTIVE, item(download_speed=10, eta=10**9), None, 100),
        (ACTIVE, item(download_speed=10**9, eta=0), None, 1),
        (ACTIVE, item(download_speed=9, eta=70, finished=True), None, ETA_UNKNOWN),
        (entry(active(), stopped=True), item(download_speed=9, eta=70), None, ETA_UNKNOWN),
        (entry(ready(), planned()), whole(download_speed=9, eta=70), None, ETA_UNKNOWN),
        (FETCHING, whole(), Fetched(500, 10), 50),
        (FETCHING, whole(), Fetched(500, 0), ETA_UNKNOWN),
        (entry(ready(), delivering(size=2**62)), whole(), Fetched(0, 1), ETA_UNKNOWN),
        (FETCHING, whole(), None, ETA_UNKNOWN),
        (entry(ready(), delivered()), whole(eta=70), None, ETA_UNKNOWN),
    ],
)
def test_eta(
    shown: Entry, remote_item: RemoteItem | None, fetched: Fetched | None, eta: int
) -> None:
    """Seconds left of what is going on just now; what cannot be told is qBittorrent's infinity."""
    assert status_of(shown, remote_item, fetched).eta == eta


@pytest.mark.parametrize(
    ("shown", "eta"),
    [
        (entry(download()), 90),
        (entry(download(phase=DownloadPhase.SUBMITTING)), 90),
        (ACTIVE, ETA_UNKNOWN),
        (FINISHED, ETA_UNKNOWN),
    ],
)
def test_the_turn_in_the_submit_queue_is_the_eta(shown: Entry, eta: int) -> None:
    """Only a download that waits to be submitted shows the time of its turn."""
    assert status_of(shown, None, None, turn_in=90).eta == eta


def test_numbers_of_the_item() -> None:
    """Peers and speeds are shown while TorBox works on it, and not of a copy it once had."""
    swarm = item(download_speed=9, upload_speed=8, seeds=7, peers=6)
    status = status_of(entry(active(ratio=1.5)), swarm, None)
    assert (status.download_speed, status.upload_speed, status.seeds, status.peers) == (9, 8, 7, 6)
    assert (status.size, status.ratio) == (1000, 1.5)
    over = status_of(entry(ready(), finished(size=5)), swarm, None)
    assert (over.download_speed, over.upload_speed, over.seeds, over.peers) == (0, 0, 0, 0)
    assert over.size == 5


def test_the_size_is_that_of_the_chosen_files() -> None:
    """Two categories may choose different files of one hash; before that the whole counts."""
    assert status_of(entry(ready(size=1000), planned(size=5)), None, None).size == 5
    assert status_of(entry(ready(size=1000), grab()), None, None).size == 1000


def test_speed_of_the_fetch() -> None:
    """While files are fetched, the speed is that of the fetch; a paused one has none."""
    assert status_of(FETCHING, whole(download_speed=9), Fetched(1, 77)).download_speed == 77
    stopped = entry(ready(), delivering(stopped=True))
    assert status_of(stopped, whole(download_speed=9), Fetched(1, 77)).download_speed == 0


@settings(max_examples=200)
@given(entries, st.none() | remote_items, st.none() | fetches, shares)
def test_complete_only_when_complete(
    given_entry: Entry,
    remote_item: RemoteItem | None,
    fetched: Fetched | None,
    shown: float,
) -> None:
    """No state that an *arr imports, and no full bar, before every file is in place; then both."""
    status = status_of(given_entry, remote_item, fetched, shown=shown)
    grab = given_entry.grab
    complete = grab.phase in {GrabPhase.DELIVERED, GrabPhase.FINISHED}
    held_back = bool(grab.moving_to) or grab.missing_files
    assert (status.state in READ_AS_COMPLETE) is (complete and not held_back)
    assert (status.progress == 1.0) is complete
    assert min(max(shown, grab.progress), NEARLY) <= status.progress <= 1.0


@settings(max_examples=200)
@given(entries, st.none() | remote_items, st.none() | fetches, shares)
def test_numbers_fit(
    given_entry: Entry,
    remote_item: RemoteItem | None,
    fetched: Fetched | None,
    shown: float,
) -> None:
    """No number breaks the list of a strict client: whole where whole is due, finite, in range."""
    status = status_of(given_entry, remote_item, fetched, shown=shown)
    assert type(status.eta) is int
    assert 0 <= status.eta <= ETA_UNKNOWN
    assert isfinite(status.progress)
    assert isfinite(status.ratio)
    counts = (status.size, status.download_speed, status.upload_speed, status.seeds, status.peers)
    assert all(type(count) is int and count >= 0 for count in counts)


def test_checking_is_shown() -> None:
    """While the fetched bytes are compared with the torrent's hashes the state is checkingDL."""
    checked = Fetched(1000, 0, checking=True)
    assert status_of(FETCHING, whole(), checked).state is State.CHECKING_DL
    stopped = entry(ready(), delivering(stopped=True))
    assert state_of(stopped, None, checked) is State.PAUSED_DL


def test_cached_content_shows_the_fetch_alone() -> None:
    """Progress, bytes left, speed and eta of what TorBox has cached agree with each other."""
    status = status_of(FETCHING, whole(), Fetched(250, 10))
    left = status.size - status.size * status.progress
    assert (status.progress, left, status.eta) == (0.25, 750, 75)


WAITS = [
    (entry(download()), None, None),
    (entry(download(phase=DownloadPhase.SUBMITTING)), None, None),
    (entry(queued()), None, None),
    (ACTIVE, None, None),
    (ACTIVE, item(state="queued"), None),
    (ACTIVE, item(state="uploading", finished=True), None),
    (entry(ready(), planned()), whole(), None),
    (FETCHING, whole(), None),
    (FETCHING, whole(), Fetched(0, 0)),
    (entry(ready(), delivering(note="the disk is full")), whole(), Fetched(500, 0)),
]


@pytest.mark.parametrize(("waiting", "remote_item", "fetched"), WAITS)
def test_what_waits_says_so(
    waiting: Entry, remote_item: RemoteItem | None, fetched: Fetched | None
) -> None:
    """A slot, TorBox's queue or storage, the disk: never `downloading` at 0 B/s, never dead."""
    status = status_of(waiting, remote_item, fetched)
    assert (status.state, status.download_speed) == (State.QUEUED_DL, 0)
    assert status.availability >= 1
    assert status.swarm_seeds >= 1


@pytest.mark.parametrize(
    "remote_item",
    [
        item(state="stalled (no seeds)", seeds=0),
        item(state="metadl", size=0),
        item(state="downloading", download_speed=5, eta=70),
        item(state="error"),
        item(state="checking"),
    ],
)
def test_an_outage_is_shown_as_a_wait(remote_item: RemoteItem) -> None:
    """TorBox's last report is outdated: cleaners remove what stays stalled."""
    status = status_of(ACTIVE, remote_item, None, unreachable=True)
    assert (status.state, status.download_speed, status.eta) == (State.QUEUED_DL, 0, ETA_UNKNOWN)
    assert status.availability >= 1


def test_progress_does_not_fall_in_an_outage() -> None:
    """Progress that TorBox had made is still shown."""
    assert status_of(SLOW_ACTIVE, item(progress=0.5), None, unreachable=True).progress == 0.25


def test_a_fetch_goes_on_in_an_outage() -> None:
    """The CDN serves bytes whether the API answers or not."""
    status = status_of(FETCHING, whole(), Fetched(500, 10), unreachable=True)
    assert (status.state, status.download_speed, status.eta) == (State.DOWNLOADING, 10, 50)


STOPPED = entry(active(), stopped=True)


@pytest.mark.parametrize(
    ("shown", "remote_item", "copies"),
    [
        (ACTIVE, item(seeds=0, download_speed=5), 1),
        (ACTIVE, item(seeds=9, availability=3.5), 3.5),
        (ACTIVE, item(seeds=0, availability=0.2), 1),
        (ACTIVE, item(state="stalled (no seeds)", availability=0.2), 0.2),
        (ACTIVE, item(state="stalled (no seeds)"), 0),
        (ACTIVE, item(state="stalled", finished=True, availability=0.0), 1),
        (ACTIVE, None, 1),
        (FETCHING, whole(), 1),
        (STOPPED, item(availability=2.0), 2),
        (STOPPED, None, 0),
        (STOPPED, whole(), 1),
        (FINISHED, whole(), -1),
    ],
)
def test_availability(shown: Entry, remote_item: RemoteItem | None, copies: float) -> None:
    """TorBox's own; below 1 only when TorBox is stalled, or paused by the user."""
    assert status_of(shown, remote_item, None).availability == copies


@settings(max_examples=300)
@given(entries, st.none() | remote_items, st.none() | fetches, st.booleans())
def test_nothing_healthy_looks_dead(
    given_entry: Entry, remote_item: RemoteItem | None, fetched: Fetched | None, unreachable: bool
) -> None:
    """Only what TorBox itself calls stalled, failed or without metadata may look so."""
    status = status_of(given_entry, remote_item, fetched, unreachable=unreachable)
    told = given_entry.phase is Phase.REMOTE and remote_item is not None and not unreachable
    if status.state in {State.STALLED_DL, State.META_DL, State.FORCED_META_DL}:
        assert told
    if status.state not in {State.STALLED_DL, State.ERROR} and not given_entry.grab.stopped:
        assert status.availability >= 1 or given_entry.complete
        assert status.swarm_seeds >= 1
    if status.download_speed:
        assert status.eta < ETA_UNKNOWN or status.size / status.download_speed > ETA_UNKNOWN / 2
    if status.state in {State.DOWNLOADING, State.FORCED_DL} and not told:
        assert status.download_speed > 0


@given(
    st.lists(st.tuples(st.integers(1, 10**12), st.floats(0, 1)), min_size=1, max_size=20),
    st.floats(0, 1),
)
def test_the_files_add_up_to_the_download(files: list[tuple[int, float]], progress: float) -> None:
    """Clients show both: the bytes of the files are those of the download, and none has too many."""
    sizes = [size for size, _ in files]
    done = [int(size * share) for size, share in files]
    shown = files_progress(done, sizes, progress)
    assert all(0 <= share <= 1 for share in shown)
    total = sum(share * size for share, size in zip(shown, sizes, strict=True))
    expected = max(progress * sum(sizes), sum(done))
    assert total == pytest.approx(expected, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    ("done", "sizes", "progress", "shown"),
    [
        # TorBox's half of the work is done; of the fetch, the first file.
        ([100, 0], [100, 100], 0.75, [1, 0.5]),
        # After a restart nothing is known of the files yet.
        ([0, 0], [100, 300], 0.6, [0.6, 0.6]),
        # Everything is on disk, and is being compared with the hashes.
        ([0, 0], [100, 100], NEARLY, [NEARLY, NEARLY]),
        # What is in place is whole, whatever the download shows.
        ([100, 0], [100, 100], 0, [1, 0]),
        ([100, 100], [100, 100], 1, [1, 1]),
        ([0, 50], [0, 100], 0.5, [0.5, 0.5]),
        ([0], [0], 1, [1]),
    ],
)
def test_files_progress(
    done: list[int], sizes: list[int], progress: float, shown: list[float]
) -> None:
    """TorBox's part, and what was on disk before, is spread over what is left."""
    assert files_progress(done, sizes, progress) == pytest.approx(shown)


@pytest.mark.parametrize(
    ("known_cached", "observed", "progress"),
    [
        (False, QUICK_SECONDS - 1, 0),
        (False, QUICK_SECONDS, 0.25),
        (True, QUICK_SECONDS, 0),
        (True, QUICK_CACHED_SECONDS, 0.25),
    ],
)
def test_what_torbox_downloads_shows_it_soon(
    observed: float, progress: float, *, known_cached: bool
) -> None:
    """A speed without progress looks slow to a cleaner; only what is cached begins with the fetch."""
    loading = entry(active(known_cached=known_cached, observed_seconds=observed))
    status = status_of(loading, item(progress=0.5, download_speed=1), None)
    assert (status.state, status.progress) == (State.DOWNLOADING, progress)
