"""Writes on downloads."""

import pytest

from bridge.core.model import Removal
from bridge.downloads import AddOptions
from tests.support.face import Face, magnet
from tests.support.http import Client

ONE, TWO = "1a" * 20, "2b" * 20
UNKNOWN = "0" * 40


@pytest.fixture(autouse=True)
async def _downloads(face: Face) -> None:
    for info_hash in (ONE, TWO):
        await face.downloads.adds.magnet(magnet(info_hash), AddOptions())


ACTIONS = [
    ("delete", {}),
    ("pause", {}),
    ("resume", {}),
    ("stop", {}),
    ("start", {}),
    ("topPrio", {}),
    ("setForceStart", {"value": "true"}),
    ("setShareLimits", {"ratioLimit": "-2", "seedingTimeLimit": "-2"}),
    ("setCategory", {"category": "nope"}),
    ("addTags", {"tags": "ghost"}),
    ("removeTags", {}),
    ("setTags", {"tags": "ghost"}),
    ("toggleSequentialDownload", {}),
    ("toggleFirstLastPiecePrio", {}),
]


@pytest.mark.parametrize(("action", "form"), ACTIONS)
async def test_unknown_hashes_are_200(
    client: Client, face: Face, action: str, form: dict[str, str]
) -> None:
    """A 4xx would make an *arr repeat a removal every minute, and block its blocklist."""
    before = face.downloads.queries.version
    reply = await client.post(f"torrents/{action}", hashes=f"{UNKNOWN}|xyz", **form)
    assert reply.short == (200, "")
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert face.downloads.queries.version == before
    assert (await client.get("torrents/tags")).text == "[]"


@pytest.mark.parametrize(("action", "form"), ACTIONS)
async def test_hashes_are_required(client: Client, action: str, form: dict[str, str]) -> None:
    """Without `hashes` nothing is meant, least of all everything."""
    assert (await client.post(f"torrents/{action}", **form)).short == (400, "Bad Request")


@pytest.mark.parametrize(("hashes", "left"), [
    (ONE, [TWO]), (ONE.upper(), [TWO]), (f"{ONE}|{TWO}", []), ("all", []),
    (f"all|{UNKNOWN}", [ONE, TWO]), ("", [ONE, TWO]),
])  # fmt: skip
async def test_delete(client: Client, face: Face, hashes: str, left: list[str]) -> None:
    """One, several, or `all` alone; and again without complaint."""
    for _ in range(2):
        reply = await client.post("torrents/delete", hashes=hashes, deleteFiles="true")
        assert reply.short == (200, "")
    assert [view.download.hash for view in face.downloads.queries.primaries.values()] == left


@pytest.mark.parametrize(
    ("form", "gone"),
    [({}, False), ({"deleteFiles": "false"}, False), ({"deleteFiles": "True"}, True)],
)
async def test_files_go_only_when_told(
    client: Client, face: Face, form: dict[str, str], *, gone: bool
) -> None:
    """A missing deleteFiles keeps the data: that is how Sonarr asks for it."""
    await face.finish(ONE)
    assert (await client.post("torrents/delete", hashes=ONE, **form)).short == (200, "")
    (removal,) = (job.task for job in face.state.jobs.values() if isinstance(job.task, Removal))
    assert bool(removal.files) is gone


@pytest.mark.parametrize(("pause", "resume"), [("pause", "resume"), ("stop", "start")])
async def test_both_vocabularies_pause(client: Client, face: Face, pause: str, resume: str) -> None:
    """The words of 4.x and 5.x do the same, whatever the profile."""
    await client.post(f"torrents/{pause}", hashes="all")
    assert face.view(ONE).grab.stopped
    assert '"state":"pausedDL"' in (await client.get("torrents/info?filter=stopped")).text
    await client.post(f"torrents/{resume}", hashes=ONE)
    assert not face.view(ONE).grab.stopped
    assert face.view(TWO).grab.stopped


async def test_top_priority(client: Client) -> None:
    """What is moved to the top is first in the queue."""
    await client.post("torrents/topPrio", hashes=TWO)
    rows = (await client.get("torrents/info?sort=priority")).json()
    assert [(row["hash"], row["priority"]) for row in rows] == [(TWO, 1), (ONE, 2)]


@pytest.mark.parametrize(("value", "forced"), [("true", True), ("True", True), ("false", False)])
async def test_force_start(client: Client, face: Face, value: str, *, forced: bool) -> None:
    """Only `true` forces; without `value` it is 400."""
    await client.post("torrents/setForceStart", hashes=ONE, value=value)
    assert face.view(ONE).grab.force_start is forced
    assert (await client.post("torrents/setForceStart", hashes=ONE)).status == 400


async def test_share_limits_that_are_not_sent_stay(client: Client, face: Face) -> None:
    """Several *arr send no inactive limit, and scripts send only the one they mean."""
    await face.put(ONE, inactive_seeding_time_limit=7)
    form = {"hashes": ONE, "ratioLimit": "1.5", "seedingTimeLimit": "60"}
    assert (await client.post("torrents/setShareLimits", **form)).short == (200, "")
    assert limits(face) == (1.5, 60, 7)
    form = {"hashes": ONE, "inactiveSeedingTimeLimit": "-1", "ratioLimit": "-1"}
    assert (await client.post("torrents/setShareLimits", **form)).short == (200, "")
    assert limits(face) == (-1, 60, -1)
    assert (await client.post("torrents/setShareLimits", hashes=ONE)).short == (200, "")
    assert limits(face) == (-1, 60, -1)


@pytest.mark.parametrize("value", ["x", "", "nan", "inf"])
async def test_share_limits_that_are_no_numbers(client: Client, face: Face, value: str) -> None:
    """QBittorrent reads them as 0, which ends seeding: refused, and nothing changes."""
    reply = await client.post("torrents/setShareLimits", hashes=ONE, ratioLimit=value)
    assert reply.short == (400, "Bad Request")
    assert limits(face) == (-2, -2, -2)


def limits(face: Face) -> tuple[float, int, int]:
    """Read the limits of ONE."""
    grab = face.view(ONE).grab
    return (
        grab.ratio_limit,
        grab.seeding_time_limit,
        grab.inactive_seeding_time_limit,
    )


@pytest.mark.parametrize(
    ("action", "field"),
    [("toggleSequentialDownload", "seq_dl"), ("toggleFirstLastPiecePrio", "f_l_piece_prio")],
)
async def test_toggles(client: Client, action: str, field: str) -> None:
    """There and back, and shown; other downloads stay as they are."""
    for value in (True, False):
        assert (await client.post(f"torrents/{action}", hashes=ONE)).short == (200, "")
        rows = (await client.get("torrents/info")).json()
        assert [row[field] for row in rows] == [value, False]


@pytest.mark.parametrize(
    ("peers", "status", "body"),
    [
        ("203.0.113.7:1234", 200, f'{{"{ONE}":{{"added":1,"failed":0}}}}'),
        ("203.0.113.7:1|[2001:db8::1]:2|bad", 200, f'{{"{ONE}":{{"added":2,"failed":1}}}}'),
        ("bad", 400, "No valid peers were specified"),
        ("203.0.113.7:0|203.0.113.7:70000|203.0.113.7", 400, "No valid peers were specified"),
        ("", 400, "No valid peers were specified"),
    ],
)
async def test_add_peers(client: Client, peers: str, status: int, body: str) -> None:
    """Counted by download; unknown hashes are not counted."""
    hashes = f"{ONE}|{UNKNOWN}"
    assert (await client.post("torrents/addPeers", hashes=hashes, peers=peers)).short == (
        status,
        body,
    )
    assert (await client.post("torrents/addPeers", hashes=ONE)).short == (400, "Bad Request")


async def test_what_a_client_added_again_is_deleted_again(client: Client) -> None:
    """A delete that is repeated hits nobody else's grab, but a new add is the client's own."""
    three = "3c" * 20
    for _ in range(2):
        await client.post("torrents/add", urls=magnet(three))
        assert (await client.get("torrents/count")).text == "3"
        await client.post("torrents/delete", hashes=three)
        assert (await client.get("torrents/count")).text == "2"
