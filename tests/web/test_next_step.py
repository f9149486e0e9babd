"""What happens to a download next, in one sentence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Policy
from bridge.core.model import Entry, Phase, RemoteItem
from bridge.web.next_step import Outlook, given_up_after, next_step
from tests.support import scenes
from tests.support.entries import with_fields
from tests.support.scenes import NOW

NEW = scenes.entry(scenes.download())
DAY = int(NOW) + 86_400


def download(**fields: Any) -> Entry:
    """Make an entry that is new, but for these fields."""
    return with_fields(NEW, **fields)


@pytest.mark.parametrize(
    ("what", "outlook", "sentence"),
    [
        (
            download(),
            {"arrs": ["sonarr"]},
            (
                "TorBox downloads it, unless it has it cached. When TorBox has all of it, its files are "
                "fetched, and sonarr imports them"
            ),
        ),
        (
            download(phase=Phase.REMOTE, torrent_id=1),
            {"given_up_after": 21600.0, "mode": "strm"},
            (
                "When TorBox has all of it, its .strm files are written, and it is completed. "
                "It is given up after 6 h without progress"
            ),
        ),
        (
            download(phase=Phase.REMOTE, torrent_id=1),
            {"mode": "symlink", "arrs": ["sonarr", "sonarr-4k"]},
            (
                "When TorBox has all of it, links to its files are made, and sonarr or sonarr-4k imports "
                "them"
            ),
        ),
        (
            download(phase=Phase.DELIVERING, torrent_id=1),
            {"arrs": ["radarr"]},
            "When all files are there, radarr imports them",
        ),
        (download(stopped=True), {}, "Nothing happens until it is resumed"),
        (
            download(stopped=True, phase=Phase.REMOTE, torrent_id=1),
            {},
            "TorBox goes on with it; nothing is fetched until it is resumed",
        ),
        (
            download(phase=Phase.FINISHED),
            {"arrs": ["radarr"]},
            (
                "radarr imports it at its next look at the queue, usually within a minute. Then it stays "
                "until radarr or you remove it"
            ),
        ),
        (
            download(phase=Phase.FINISHED, imported_at=NOW),
            {"arrs": ["radarr"]},
            "It stays until radarr or you remove it",
        ),
        (download(phase=Phase.FINISHED), {}, "It stays until its client or you remove it"),
        (
            download(phase=Phase.FINISHED, imported_at=NOW),
            {"arrs": ["radarr"], "removal_at": NOW + 86_400},
            f"It is removed {{in:{DAY}}}, at {{at:{DAY}}}",
        ),
        (download(phase=Phase.FAILED), {"arrs": ["radarr"]}, ""),
        (download(phase=Phase.FINISHED, missing_files=True), {}, ""),
    ],
)
def test_sentences(what: Entry, outlook: dict[str, Any], sentence: str) -> None:
    """Who does what, and when."""
    assert next_step(what, Outlook(**outlook)) == sentence


@pytest.mark.parametrize(
    ("item", "policy", "seconds"),
    [
        (None, {}, 21600.0),
        (scenes.item(), {}, 21600.0),
        (scenes.item(), {"stalled_after": None}, None),
        (scenes.item(size=0), {}, 3600.0),
        (scenes.item(size=0), {"metadata_after": None}, 21600.0),
        (scenes.item(size=0), {"stalled_after": 60.0}, 60.0),
        (scenes.item(size=0), {"metadata_after": None, "stalled_after": None}, None),
        (scenes.item(finished=True), {}, 7200.0),
        (scenes.item(finished=True), {"stored_after": None}, None),
    ],
)
def test_the_limit_without_progress(
    item: RemoteItem | None, policy: dict[str, Any], seconds: float | None
) -> None:
    """A wait for metadata and one for TorBox's storage have limits of their own."""
    assert given_up_after(item, Policy(**policy)) == seconds


@given(
    st.sampled_from(sorted(set(Phase) - {Phase.FAILED})),
    st.sampled_from(["download", "aria2", "symlink", "strm", "none"]),
    st.lists(st.just("sonarr"), max_size=1),
)
def test_whatever_goes_on_has_a_next_step(phase: Phase, mode: str, arrs: list[str]) -> None:
    """Only what has failed, or says it itself, has none."""
    assert next_step(download(phase=phase), Outlook(mode=mode, arrs=arrs))
