"""The control API: everything that a test can do in Python, over HTTP."""

import pytest

from tests.simulator.conftest import Start
from tests.simulator.support import A, B, film

CONTENT = {
    "hash": B, "name": "Film", "cached": True, "files": [{"path": "x.mkv", "size": 10}]
}  # fmt: skip


async def test_state_shows_the_account(start: Start) -> None:
    """Torrents, queue, slots, counts and faults in one look."""
    api = await start(film(), items=[A], account={"slots": 0})
    await api.add(B, as_queued="true")
    state = (await api.call("GET", "/simulator/state")).json
    assert [item["hash"] for item in state["torrents"]] == [A]
    assert [entry["hash"] for entry in state["queue"]] == [B]
    assert (state["slots"], state["active"], state["cached"]) == (0, 0, [A])
    assert state["calls"] == {"createtorrent": 1}


async def test_calls_can_be_read_and_forgotten(start: Start) -> None:
    """All of them or one endpoint's."""
    api = await start()
    await api.get("/user/me")
    await api.get("/torrents/mylist")
    told = (await api.call("GET", "/simulator/calls?endpoint=me")).json
    assert [call["endpoint"] for call in told["calls"]] == ["me"]
    assert told["counts"] == {"me": 1, "mylist": 1}
    await api.call("DELETE", "/simulator/calls")
    assert (await api.call("GET", "/simulator/calls")).json["calls"] == []


async def test_faults_are_added_counted_and_lifted(start: Start) -> None:
    """A fault strikes, shows how often, and goes."""
    api = await start()
    fault = {"endpoint": "me", "times": None, "effect": {"kind": "html", "status": 502}}
    added = (await api.call("POST", "/simulator/faults", json=fault)).json
    assert (await api.get("/user/me")).status == 502
    (shown,) = (await api.call("GET", "/simulator/faults")).json
    assert (shown["id"], shown["seen"], shown["struck"]) == (added["id"], 1, 1)
    await api.call("DELETE", f"/simulator/faults/{added['id']}")
    assert (await api.get("/user/me")).status == 200
    await api.call("POST", "/simulator/faults", json=fault)
    await api.call("DELETE", "/simulator/faults")
    assert (await api.get("/user/me")).status == 200


@pytest.mark.parametrize("on_account", [True, False])
async def test_contents_are_registered(start: Start, on_account: bool) -> None:
    """In the catalogue only, or on the account at once."""
    api = await start()
    body = {"content": CONTENT, "on_account": on_account}
    told = (await api.call("POST", "/simulator/contents", json=body)).json
    assert (told["torrent_id"] is not None) is on_account
    assert set((await api.get("/torrents/checkcached", hash=B)).data) == {B}


async def test_items_change_and_disappear(start: Start) -> None:
    """By hash or by id; a deleted one takes its links along."""
    api = await start(film(), items=[A])
    torrent_id = (await api.get("/torrents/mylist")).data[0]["id"]
    await api.call("PATCH", f"/simulator/items/{A}", json={"state": "weird"})
    await api.call("PATCH", f"/simulator/items/{torrent_id}", json={"progress": 0.5})
    item = await api.look(torrent_id)
    assert (item["download_state"], item["progress"]) == ("weird", 0.5)
    link = (await api.link(torrent_id)).data
    await api.call("DELETE", f"/simulator/items/{torrent_id}")
    assert (await api.fetch(link)).status == 404
    assert (await api.get("/torrents/mylist", bypass_cache="true")).status == 404


async def test_time_is_pushed(start: Start) -> None:
    """A jump finishes a download; the speed is kept."""
    api = await start(film(cached=False))
    torrent_id = (await api.add(A)).data["torrent_id"]
    told = (await api.call("POST", "/simulator/clock", json={"advance": 60, "speed": 5})).json
    assert told["speed"] == 5
    assert (await api.look(torrent_id))["download_present"]


async def test_the_key_is_rotated(start: Start) -> None:
    """The old key is bad at once."""
    api = await start()
    new = (await api.call("POST", "/simulator/key", json={})).json["key"]
    assert (await api.get("/user/me")).error == "BAD_TOKEN"
    api.key = new
    assert (await api.get("/user/me")).status == 200


async def test_settings_change_while_it_runs(start: Start) -> None:
    """Only what is given changes; items that are there follow."""
    api = await start(film())
    body = {"account": {"slots": 0}, "behaviour": {"when_full": "queue"}, "cdn": {},
            "limits": {"enforce": True}}  # fmt: skip
    assert (await api.call("PATCH", "/simulator/settings", json=body)).status == 200
    assert (await api.add(B)).data["queued_id"] is not None
    assert api.sim.world.behaviour.store_seconds == 1.0


async def test_links_are_killed(start: Start) -> None:
    """All links made so far answer 404."""
    api = await start(film(), items=[A])
    link = (await api.link((await api.get("/torrents/mylist")).data[0]["id"])).data
    await api.call("POST", "/simulator/links/kill")
    assert (await api.fetch(link)).status == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/faults", {"endpoint": "me", "effect": {"kind": "unknown"}}),
        ("POST", "/faults", {"effect": {"kind": "cut"}}),
        ("POST", "/contents", {"content": {**CONTENT, "hash": "x"}}),
        ("PATCH", f"/items/{A}", {"colour": "red"}),
        ("PATCH", "/settings", {"behaviour": {"when_full": "explode"}, "account": {"slots": 1}}),
        ("PATCH", "/settings", {"account": {"colour": "red"}}),
        ("POST", "/clock", []),
    ],
)
async def test_bad_bodies_change_nothing(
    start: Start, method: str, path: str, body: object
) -> None:
    """400 with a reason, and the account is as it was."""
    api = await start(film(), items=[A])
    before = (await api.call("GET", "/simulator/state")).json
    answer = await api.call(method, f"/simulator{path}", json=body)
    assert answer.status == 400
    assert answer.json["error"]
    after = (await api.call("GET", "/simulator/state")).json
    assert before == after
    assert api.sim.world.account.slots is None
