"""What a download looks like from outside: the states, and what holds of every status."""

from collections.abc import Callable
from dataclasses import replace
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.model import COMPLETE, Download, Phase, RemoteItem
from bridge.core.status import (
    ETA_UNKNOWN,
    FAILED_WORDS,
    NEARLY,
    Fetched,
    State,
    remote_state,
    state_of,
    state_word,
    status_of,
)
from tests.support.scenes import delivered, download, item, ready, remote, whole

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
downloads = st.builds(
    download,
    phase=st.sampled_from(Phase),
    stopped=st.booleans(),
    force_start=st.booleans(),
    size=sizes,
    progress=shares,
    remote_progress=shares,
    ratio=st.floats(0, 100),
    observed_seconds=st.sampled_from([0.0, 600.0]),
)
fetches = st.builds(Fetched, done=sizes, speed=speeds)


@pytest.mark.parametrize(("text", "state"), WORDS.items())
@pytest.mark.parametrize("mood", [str.lower, str.upper, " {} ".format])
def test_states_of_torbox(text: str, state: State, mood: Callable[[str], str]) -> None:
    """Each known text has its state, however it is written."""
    assert state_of(remote(), item(state=mood(text))) is state


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


@pytest.mark.parametrize(
    ("phase", "state", "stopped_state"),
    [
        (Phase.ACCEPTED, State.QUEUED_DL, State.PAUSED_DL),
        (Phase.SUBMITTING, State.QUEUED_DL, State.PAUSED_DL),
        (Phase.QUEUED, State.QUEUED_DL, State.PAUSED_DL),
        (Phase.REMOTE, State.QUEUED_DL, State.PAUSED_DL),
        (Phase.READY, State.QUEUED_DL, State.PAUSED_DL),
        (Phase.DELIVERING, State.QUEUED_DL, State.PAUSED_DL),
        (Phase.DELIVERED, State.STALLED_UP, State.STALLED_UP),
        (Phase.FINISHED, State.PAUSED_UP, State.PAUSED_UP),
        (Phase.FAILED, State.ERROR, State.ERROR),
    ],
)
def test_states_of_phases(phase: Phase, state: State, stopped_state: State) -> None:
    """Each phase has its state before TorBox has said anything, and its own when it is paused."""
    assert state_of(download(phase=phase), None) is state
    assert state_of(download(phase=phase, stopped=True), None) is stopped_state


def test_seeding() -> None:
    """A delivered download seeds while TorBox uploads."""
    assert state_of(delivered(), whole(upload_speed=5)) is State.UPLOADING
    assert state_of(delivered(), whole()) is State.STALLED_UP


def test_forced() -> None:
    """A forced download says so while TorBox looks for it, and while its files are fetched."""
    fetching = ready(phase=Phase.DELIVERING, force_start=True)
    assert state_of(fetching, None, Fetched(0, 1)) is State.FORCED_DL
    assert state_of(fetching, None, Fetched(0, 0)) is State.QUEUED_DL
    remote = ready(phase=Phase.REMOTE, force_start=True)
    assert state_of(remote, item(state="metaDL", size=0)) is State.FORCED_META_DL
    assert state_of(remote, item(state="downloading")) is State.FORCED_DL
    assert state_of(remote, item(state="stalled (no seeds)")) is State.STALLED_DL


@pytest.mark.parametrize(
    ("shown", "remote_item", "fetched", "progress"),
    [
        (download(), None, None, 0.0),
        (remote(), None, None, 0.0),
        (remote(**SLOW), item(progress=0.5), None, 0.25),
        (remote(**SLOW), item(progress=1.0), None, 0.495),
        (ready(**SLOW), whole(progress=1.0), None, 0.5),
        (ready(phase=Phase.DELIVERING, **SLOW), whole(), None, 0.5),
        (ready(phase=Phase.DELIVERING, **SLOW), whole(), Fetched(500, 1), 0.75),
        (ready(phase=Phase.DELIVERING, **SLOW), whole(), Fetched(1000, 1), NEARLY),
        (ready(phase=Phase.DELIVERING, **SLOW), whole(), Fetched(9000, 1), NEARLY),
        (remote(), item(progress=0.9), None, 0.0),
        (ready(), whole(progress=1.0), None, 0.0),
        (ready(phase=Phase.DELIVERING), whole(), None, 0.0),
        (ready(phase=Phase.DELIVERING), whole(), Fetched(500, 1), 0.5),
        (ready(phase=Phase.DELIVERING), whole(), Fetched(1000, 1), NEARLY),
        (delivered(), None, None, 1.0),
        (remote(phase=Phase.FAILED, progress=0.3), None, None, 0.3),
    ],
)
def test_progress(
    shown: Download, remote_item: RemoteItem | None, fetched: Fetched | None, progress: float
) -> None:
    """TorBox's work is the first half, the fetch the second; of what was cached the fetch is all."""
    assert status_of(shown, remote_item, fetched).progress == pytest.approx(progress)


def test_progress_where_nothing_is_fetched() -> None:
    """TorBox's work is nearly all of the bar when links or small texts are all that follows."""
    working = status_of(remote(**SLOW), item(progress=0.5), None, remote_share=0.99)
    assert working.progress == pytest.approx(0.495)
    ready_one = ready(phase=Phase.DELIVERING)
    linking = status_of(ready_one, whole(), Fetched(500, 0), remote_share=0.99)
    assert 0.99 < linking.progress < NEARLY


def test_progress_never_falls() -> None:
    """What was shown, now or before a restart, is never taken back."""
    assert status_of(remote(), item(progress=0.2), None, shown=0.4).progress == 0.4
    assert status_of(remote(progress=0.4), item(progress=0.2), None).progress == 0.4
    assert status_of(ready(), None, None, shown=1.0).progress == NEARLY


@pytest.mark.parametrize(
    ("shown", "remote_item", "fetched", "eta"),
    [
        (remote(), item(download_speed=9, eta=70), None, 70),
        (remote(), item(download_speed=0, eta=70), None, ETA_UNKNOWN),
        (remote(), item(download_speed=10, eta=0), None, 100),
        (remote(), item(download_speed=10, eta=0, progress=0.5), None, 50),
        (remote(), item(download_speed=10, eta=ETA_UNKNOWN), None, 100),
        (remote(), item(download_speed=10, eta=10**9), None, 100),
        (remote(), item(download_speed=10**9, eta=0), None, 1),
        (remote(), item(download_speed=9, eta=70, finished=True), None, ETA_UNKNOWN),
        (remote(stopped=True), item(download_speed=9, eta=70), None, ETA_UNKNOWN),
        (ready(), whole(download_speed=9, eta=70), None, ETA_UNKNOWN),
        (ready(phase=Phase.DELIVERING), whole(), Fetched(500, 10), 50),
        (ready(phase=Phase.DELIVERING), whole(), Fetched(500, 0), ETA_UNKNOWN),
        (ready(phase=Phase.DELIVERING, size=2**62), whole(), Fetched(0, 1), ETA_UNKNOWN),
        (ready(phase=Phase.DELIVERING), whole(), None, ETA_UNKNOWN),
        (delivered(), whole(eta=70), None, ETA_UNKNOWN),
    ],
)
def test_eta(
    shown: Download, remote_item: RemoteItem | None, fetched: Fetched | None, eta: int
) -> None:
    """Seconds left of what is going on just now; what cannot be told is qBittorrent's infinity."""
    assert status_of(shown, remote_item, fetched).eta == eta


def test_numbers_of_the_item() -> None:
    """Peers and speeds are shown while TorBox works on it, and not of a copy it once had."""
    swarm = item(download_speed=9, upload_speed=8, seeds=7, peers=6)
    status = status_of(remote(ratio=1.5), swarm, None)
    assert (status.download_speed, status.upload_speed, status.seeds, status.peers) == (9, 8, 7, 6)
    assert (status.size, status.ratio) == (1000, 1.5)
    over = status_of(delivered(phase=Phase.FINISHED, size=5), swarm, None)
    assert (over.download_speed, over.upload_speed, over.seeds, over.peers) == (0, 0, 0, 0)
    assert over.size == 5


def test_speed_of_the_fetch() -> None:
    """While files are fetched, the speed is that of the fetch; a paused one has none."""
    fetching = ready(phase=Phase.DELIVERING)
    assert status_of(fetching, whole(download_speed=9), Fetched(1, 77)).download_speed == 77
    stopped = replace(fetching, stopped=True)
    assert status_of(stopped, whole(download_speed=9), Fetched(1, 77)).download_speed == 0


@settings(max_examples=200)
@given(downloads, st.none() | remote_items, st.none() | fetches, shares)
def test_complete_only_when_complete(
    given_download: Download,
    remote_item: RemoteItem | None,
    fetched: Fetched | None,
    shown: float,
) -> None:
    """No state that an *arr imports, and no full bar, before every file is in place; then both."""
    status = status_of(given_download, remote_item, fetched, shown=shown)
    complete = given_download.phase in COMPLETE
    assert (status.state in READ_AS_COMPLETE) is complete
    assert (status.progress == 1.0) is complete
    assert min(max(shown, given_download.progress), NEARLY) <= status.progress <= 1.0


@settings(max_examples=200)
@given(downloads, st.none() | remote_items, st.none() | fetches, shares)
def test_numbers_fit(
    given_download: Download,
    remote_item: RemoteItem | None,
    fetched: Fetched | None,
    shown: float,
) -> None:
    """No number breaks the list of a strict client: whole where whole is due, finite, in range."""
    status = status_of(given_download, remote_item, fetched, shown=shown)
    assert type(status.eta) is int
    assert 0 <= status.eta <= ETA_UNKNOWN
    assert isfinite(status.progress)
    assert isfinite(status.ratio)
    counts = (status.size, status.download_speed, status.upload_speed, status.seeds, status.peers)
    assert all(type(count) is int and count >= 0 for count in counts)


def test_checking_is_shown() -> None:
    """While the fetched bytes are compared with the torrent's hashes the state is checkingDL."""
    checked = Fetched(1000, 0, checking=True)
    assert status_of(ready(phase=Phase.DELIVERING), whole(), checked).state is State.CHECKING_DL
    assert state_of(ready(phase=Phase.DELIVERING, stopped=True), None, checked) is State.PAUSED_DL


def test_cached_content_shows_the_fetch_alone() -> None:
    """Progress, bytes left, speed and eta of what TorBox has cached agree with each other."""
    fetching = ready(phase=Phase.DELIVERING)
    status = status_of(fetching, whole(), Fetched(250, 10))
    left = status.size - status.size * status.progress
    assert (status.progress, left, status.eta) == (0.25, 750, 75)


WAITS = [
    (download(phase=Phase.ACCEPTED), None, None),
    (download(phase=Phase.SUBMITTING), None, None),
    (download(phase=Phase.QUEUED), None, None),
    (remote(), None, None),
    (remote(), item(state="queued"), None),
    (remote(), item(state="uploading", finished=True), None),
    (ready(), whole(), None),
    (ready(phase=Phase.DELIVERING), whole(), None),
    (ready(phase=Phase.DELIVERING), whole(), Fetched(0, 0)),
    (ready(phase=Phase.DELIVERING, note="the disk is full"), whole(), Fetched(500, 0)),
]


@pytest.mark.parametrize(("waiting", "remote_item", "fetched"), WAITS)
def test_what_waits_says_so(
    waiting: Download, remote_item: RemoteItem | None, fetched: Fetched | None
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
    """What TorBox reported last is not true any more: cleaners strike what stays stalled."""
    status = status_of(remote(), remote_item, None, unreachable=True)
    assert (status.state, status.download_speed, status.eta) == (State.QUEUED_DL, 0, ETA_UNKNOWN)
    assert status.availability >= 1


def test_progress_does_not_fall_in_an_outage() -> None:
    """What TorBox had done it has done."""
    slow, half = remote(**SLOW), item(progress=0.5)
    assert status_of(slow, half, None, unreachable=True).progress == 0.25


def test_a_fetch_goes_on_in_an_outage() -> None:
    """The CDN serves bytes whether the API answers or not."""
    fetching = ready(phase=Phase.DELIVERING)
    status = status_of(fetching, whole(), Fetched(500, 10), unreachable=True)
    assert (status.state, status.download_speed, status.eta) == (State.DOWNLOADING, 10, 50)


@pytest.mark.parametrize(
    ("shown", "remote_item", "copies"),
    [
        (remote(), item(seeds=0, download_speed=5), 1),
        (remote(), item(seeds=9, availability=3.5), 3.5),
        (remote(), item(seeds=0, availability=0.2), 1),
        (remote(), item(state="stalled (no seeds)", availability=0.2), 0.2),
        (remote(), item(state="stalled (no seeds)"), 0),
        (remote(), item(state="stalled", finished=True, availability=0.0), 1),
        (remote(), None, 1),
        (ready(phase=Phase.DELIVERING), whole(), 1),
        (remote(stopped=True), item(availability=2.0), 2),
        (remote(stopped=True), None, 0),
        (remote(stopped=True), whole(), 1),
        (delivered(), whole(), -1),
    ],
)
def test_availability(shown: Download, remote_item: RemoteItem | None, copies: float) -> None:
    """TorBox's own; below 1 only when TorBox is stalled, or paused by the user."""
    assert status_of(shown, remote_item, None).availability == copies


@settings(max_examples=300)
@given(downloads, st.none() | remote_items, st.none() | fetches, st.booleans())
def test_nothing_healthy_looks_dead(
    given_download: Download,
    remote_item: RemoteItem | None,
    fetched: Fetched | None,
    unreachable: bool,
) -> None:
    """Only what TorBox itself calls stalled, failed or without metadata may look so."""
    status = status_of(given_download, remote_item, fetched, unreachable=unreachable)
    told = given_download.phase is Phase.REMOTE and remote_item is not None and not unreachable
    if status.state in {State.STALLED_DL, State.META_DL, State.FORCED_META_DL}:
        assert told
    if status.state not in {State.STALLED_DL, State.ERROR} and not given_download.stopped:
        assert status.availability >= 1 or given_download.complete
        assert status.swarm_seeds >= 1
    if status.download_speed:
        assert status.eta < ETA_UNKNOWN or status.size / status.download_speed > ETA_UNKNOWN / 2
    if status.state in {State.DOWNLOADING, State.FORCED_DL} and not told:
        assert status.download_speed > 0
