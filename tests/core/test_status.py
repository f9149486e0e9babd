"""What a download looks like from outside: the states, and what holds of every status."""

from collections.abc import Callable
from dataclasses import replace
from math import isfinite

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
)
fetches = st.builds(Fetched, done=sizes, speed=speeds)


@pytest.mark.parametrize(("text", "state"), WORDS.items())
@pytest.mark.parametrize("mood", [str.lower, str.upper, " {} ".format])
def test_states_of_torbox(text: str, state: State, mood: Callable[[str], str]) -> None:
    """Each known text has its state, however it is written."""
    assert state_of(remote(), item(state=mood(text))) is state


@pytest.mark.parametrize("text", sorted(WORDS))
def test_finished_is_downloading(text: str) -> None:
    """What TorBox copies to its storage is being downloaded: `uploading` would be imported."""
    assert remote_state(item(state=text, finished=True), moving=False) is State.DOWNLOADING


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
        (Phase.DELIVERING, State.DOWNLOADING, State.PAUSED_DL),
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
    assert state_of(ready(phase=Phase.DELIVERING, force_start=True), None) is State.FORCED_DL
    remote = ready(phase=Phase.REMOTE, force_start=True)
    assert state_of(remote, item(state="metaDL", size=0)) is State.FORCED_META_DL
    assert state_of(remote, item(state="downloading")) is State.FORCED_DL
    assert state_of(remote, item(state="stalled (no seeds)")) is State.STALLED_DL


@pytest.mark.parametrize(
    ("shown", "remote_item", "fetched", "progress"),
    [
        (download(), None, None, 0.0),
        (remote(), None, None, 0.0),
        (remote(), item(progress=0.5), None, 0.25),
        (remote(), item(progress=1.0), None, 0.495),
        (ready(), whole(progress=1.0), None, 0.5),
        (ready(phase=Phase.DELIVERING), whole(), None, 0.5),
        (ready(phase=Phase.DELIVERING), whole(), Fetched(500, 1), 0.75),
        (ready(phase=Phase.DELIVERING), whole(), Fetched(1000, 1), NEARLY),
        (ready(phase=Phase.DELIVERING), whole(), Fetched(9000, 1), NEARLY),
        (delivered(), None, None, 1.0),
        (remote(phase=Phase.FAILED, progress=0.3), None, None, 0.3),
    ],
)
def test_progress(
    shown: Download, remote_item: RemoteItem | None, fetched: Fetched | None, progress: float
) -> None:
    """TorBox's work is the first half of the bar, the fetch the second, the rename the end."""
    assert status_of(shown, remote_item, fetched).progress == pytest.approx(progress)


def test_progress_where_nothing_is_fetched() -> None:
    """TorBox's work is nearly all of the bar when links or small texts are all that follows."""
    working = status_of(remote(), item(progress=0.5), None, remote_share=0.99)
    assert working.progress == pytest.approx(0.495)
    linking = status_of(ready(phase=Phase.DELIVERING), whole(), Fetched(500, 0), remote_share=0.99)
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
        (remote(), item(download_speed=9, eta=0), None, ETA_UNKNOWN),
        (remote(), item(download_speed=9, eta=10**9), None, ETA_UNKNOWN),
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
