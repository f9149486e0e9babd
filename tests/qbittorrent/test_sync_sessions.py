"""The numbers of sync/maindata, and that a client that obeys them always knows the truth."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.qbittorrent.sync_sessions import MAX_SESSIONS, SyncSession, SyncSessions
from bridge.qbittorrent.sync_snapshot import (
    SyncSnapshot,
    Totals,
    encoded,
    full_update,
    server_state,
)
from tests.support.views import rendered

EMPTY = SyncSnapshot(
    torrents={},
    categories={},
    tags=(),
    trackers={},
    server_state=server_state(Totals(), 0, fields_of_5=False),
)
ONE_TAG = replace(EMPTY, tags=("a",))
TWO_TAGS = replace(EMPTY, tags=("a", "b"))


def told(session: SyncSession, rid: int, now: SyncSnapshot, *, restarts: bool = True) -> list[Any]:
    """Ask, and shorten the answer to number, whether it is full, and tags."""
    answer = session.answer(rid, now, restarts=restarts)
    found = msgspec.json.decode(msgspec.json.encode(answer))
    return [found["rid"], "full_update" in found, found.get("tags")]


def test_numbers_count_up() -> None:
    """Each answer has the next number, and tells what is new since the one before."""
    talk = SyncSession()
    assert told(talk, 0, EMPTY) == [1, True, []]
    assert told(talk, 1, ONE_TAG) == [2, False, ["a"]]
    assert told(talk, 2, ONE_TAG) == [3, False, None]


def test_a_lost_answer_is_made_good() -> None:
    """The older number again gets all that has changed since, under a new number."""
    talk = SyncSession()
    told(talk, 0, EMPTY)
    assert told(talk, 1, ONE_TAG) == [2, False, ["a"]]
    assert told(talk, 1, TWO_TAGS) == [3, False, ["a", "b"]]
    assert told(talk, 3, TWO_TAGS) == [4, False, None]


def test_other_numbers_get_everything() -> None:
    """One that was passed over, one of the future, and one after a restart of the bridge."""
    talk = SyncSession()
    for rid in (0, 1, 2):
        told(talk, rid, EMPTY)
    assert told(talk, 1, ONE_TAG) == [4, True, ["a"]]
    assert told(talk, 99, ONE_TAG) == [5, True, ["a"]]
    assert told(talk, 5, ONE_TAG) == [6, False, None]
    assert told(SyncSession(), 6, ONE_TAG) == [1, True, ["a"]]


def test_no_number_starts_anew() -> None:
    """0, and what is no number, begins again at 1; the old numbers are worth nothing."""
    talk = SyncSession()
    for rid in (0, 1, 2):
        told(talk, rid, EMPTY)
    assert told(talk, 0, EMPTY) == [1, True, []]
    assert told(talk, -5, EMPTY) == [1, True, []]
    assert told(talk, 3, EMPTY) == [2, True, []]


def test_users_of_one_key_do_not_take_each_others_answers() -> None:
    """Their numbers never begin again: the worst that happens is a full update."""
    talks = SyncSessions()
    first = talks.answer("key", 0, EMPTY, shared=True)
    second = talks.answer("key", 0, ONE_TAG, shared=True)
    assert (first.rid, second.rid) == (1, 2)
    assert talks.answer("key", 1, ONE_TAG, shared=True).full_update is True


def test_numbers_stay_below_a_million() -> None:
    """After 1000000 comes 1."""
    talk = SyncSession()
    talk._sent_id = 1_000_000
    talk._sent = EMPTY
    assert told(talk, 1_000_000, ONE_TAG) == [1, False, ["a"]]


def test_sessions_do_not_pile_up() -> None:
    """Who was silent longest is forgotten, and who talks is not."""
    talks = SyncSessions()
    talks.answer("old", 0, EMPTY, shared=False)
    talks.answer("steady", 0, EMPTY, shared=False)
    for number in range(MAX_SESSIONS - 1):
        talks.answer(f"session-{number}", 0, EMPTY, shared=False)
        rid = number + 1
        assert talks.answer("steady", rid, EMPTY, shared=False).full_update is not True
    assert talks.answer("old", 1, EMPTY, shared=False).full_update is True


class Client:
    """What a client makes of the answers, as qBittorrent's own pages do."""

    def __init__(self) -> None:
        self.rid = 0
        self.known: dict[str, Any] = {}

    def take(self, answer: dict[str, Any]) -> None:
        """Apply an answer."""
        self.rid = answer.pop("rid")
        if answer.pop("full_update", False):
            self.known = answer
            return
        for section in ("torrents", "categories"):
            for name, fields in answer.get(section, {}).items():
                self.known[section].setdefault(name, {}).update(fields)
        self.known["trackers"].update(answer.get("trackers", {}))
        self.known["server_state"].update(answer.get("server_state", {}))
        tags = set(self.known["tags"]) - set(answer.get("tags_removed", []))
        self.known["tags"] = sorted(tags | set(answer.get("tags", [])))
        for section in ("torrents", "categories", "trackers"):
            for name in answer.get(f"{section}_removed", []):
                del self.known[section][name]


NAMES = st.sampled_from("abc")
SNAPSHOTS = st.builds(
    SyncSnapshot,
    torrents=st.dictionaries(NAMES, st.sampled_from([rendered(size=n).info for n in (0, 1, 2)])),
    categories=st.dictionaries(
        NAMES, st.sampled_from([{"name": "x", "savePath": path} for path in ("", "/1", "/2")])
    ),
    tags=st.sets(NAMES).map(sorted),
    trackers=st.dictionaries(NAMES, st.sampled_from([["1"], ["1", "2"]])),
    server_state=st.sampled_from(
        [server_state(Totals(), free, fields_of_5=False) for free in (0, 1)]
    ),
)


@settings(max_examples=100)
@given(st.lists(st.tuples(SNAPSHOTS, st.sampled_from(["arrives", "is lost", "client restarts"]))))
def test_a_client_always_knows_the_truth(turns: list[tuple[SyncSnapshot, str]]) -> None:
    """Whatever changes, whichever answers are lost: after an answer the client has it all."""
    talk, client = SyncSession(), Client()
    for snapshot, fate in turns:
        if fate == "client restarts":
            client = Client()
        answer = talk.answer(client.rid, snapshot, restarts=True)
        if fate == "is lost":
            continue
        client.take(msgspec.json.decode(b"".join(encoded(answer))))
        truth = msgspec.json.decode(b"".join(encoded(full_update(snapshot, 1))))
        assert client.known == {key: truth[key] for key in client.known}
