"""The API over HTTP: envelopes, keys, parameters, and every endpoint's ordinary life."""

import aiohttp
import pytest

from bridge.simulator import Content, ContentFile, make_torrent
from bridge.simulator.releases import parse_torrent
from tests.simulator.conftest import Start
from tests.simulator.support import A, B, C, film, single

ITEM_FIELDS = {
    "id", "auth_id", "server", "hash", "name", "magnet", "size", "active", "created_at",
    "updated_at", "download_state", "seeds", "peers", "ratio", "progress", "download_speed",
    "upload_speed", "eta", "torrent_file", "expires_at", "download_present", "files",
    "download_path", "availability", "download_finished", "tracker", "total_uploaded",
    "total_downloaded", "cached", "owner", "seed_torrent", "allow_zipped", "long_term_seeding",
    "tracker_message", "cached_at", "private", "alternative_hashes", "tags", "airlocked",
}  # fmt: skip
FILE_FIELDS = {
    "id", "md5", "hash", "name", "size", "zipped", "s3_path", "infected", "mimetype",
    "short_name", "absolute_path", "opensubtitles_hash",
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "expected"), [(None, "NO_AUTH"), ("wrong", "BAD_TOKEN"), ("", "NO_AUTH")]
)
async def test_keys_are_checked(start: Start, key: str | None, expected: str) -> None:
    """No key and a wrong key are told apart, both 403."""
    api = await start()
    api.key = key
    answer = await api.get("/user/me")
    assert (answer.status, answer.error, answer.json["success"]) == (403, expected, False)


async def test_links_are_asked_for_with_the_key_in_the_query(start: Start) -> None:
    """The query wants token; a missing one is a 422, a wrong one BAD_TOKEN."""
    api = await start(film(), items=[A])
    missing = await api.get("/torrents/requestdl", torrent_id=1)
    assert missing.status == 422
    assert missing.json["detail"][0]["loc"] == ["query", "token"]
    wrong = await api.link(1, token="no")
    assert (wrong.status, wrong.error) == (403, "BAD_TOKEN")


async def test_an_empty_list_is_a_404_that_succeeded(start: Start) -> None:
    """Lists without items, and an id nobody has."""
    api = await start()
    for answer in (
        await api.get("/torrents/mylist"),
        await api.get("/torrents/mylist", id=5),
        await api.get("/queued/getqueued"),
        await api.get("/torrents/getqueued"),
        await api.get("/queued/getqueued", type="usenet"),
    ):
        assert (answer.status, answer.json["success"]) == (404, True)
        assert answer.error == "ITEM_NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "path", "body", "location"),
    [
        ("GET", "/torrents/mylist?id=abc", None, ["query", "id"]),
        ("GET", "/torrents/requestdl?token=simulator-key", None, ["query", "torrent_id"]),
        ("POST", "/torrents/checkcached", {}, ["body", "hashes"]),
        ("POST", "/torrents/controltorrent", {}, ["body", "operation"]),
        ("POST", "/torrents/controltorrent", [], ["body", ""]),
    ],
)
async def test_bad_parameters_are_422_without_envelope(
    start: Start, method: str, path: str, body: object, location: list[str]
) -> None:
    """FastAPI's own form names where the fault lies."""
    api = await start()
    answer = await api.call(method, f"/v1/api{path}", json=body)
    assert answer.status == 422
    assert set(answer.json) == {"detail"}
    assert answer.json["detail"][0]["loc"] == location


async def test_unknown_routes_and_methods(start: Start) -> None:
    """ENDPOINT_NOT_FOUND in an envelope, 405 without."""
    api = await start()
    unknown = await api.get("/torrents/nothing")
    assert (unknown.status, unknown.error) == (404, "ENDPOINT_NOT_FOUND")
    wrong = await api.call("DELETE", "/v1/api/torrents/mylist")
    assert (wrong.status, wrong.json) == (405, {"detail": "Method Not Allowed"})


async def test_every_200_tells_the_rate_limit(start: Start) -> None:
    """Rate headers come with successes; the reset is a float."""
    answer = await (await start()).get("/user/me")
    assert answer.headers["x-ratelimit-limit"] == "300"
    assert "." in answer.headers["x-ratelimit-reset"]
    assert {"x-ratelimit-remaining", "retry-after"} <= {name.lower() for name in answer.headers}


async def test_an_uncached_add_downloads_and_can_be_fetched(start: Start) -> None:
    """From createtorrent to the same bytes that the catalogue promises."""
    api = await start(film(size=50_000, cached=False))
    added = await api.add(A, seed="3")
    assert added.json["detail"] == "Torrent Added Successfully"
    assert set(added.data) == {"hash", "torrent_id", "auth_id"}
    torrent_id = added.data["torrent_id"]
    early = await api.look(torrent_id)
    assert (early["download_state"], early["files"], early["size"]) == ("metaDL", None, 0)
    assert (early["name"], early["eta"], early["active"]) == (A, 8_640_000, True)
    api.sim.clock.advance(60)
    item = await api.look(torrent_id)
    assert (item["download_finished"], item["download_present"], item["cached"]) == (True,) * 3
    assert item["progress"] == 1
    assert isinstance(item["progress"], int)
    link = (await api.link(torrent_id, file_id=0)).data
    assert (await api.fetch(link)).body == api.sim.content_bytes(A, "Film.mkv")


async def test_items_have_exactly_torboxs_fields(start: Start) -> None:
    """No field more, none less, in items and in files."""
    api = await start(film(), items=[A])
    answer = await api.get("/torrents/mylist")
    (item,) = answer.data
    assert set(item) == ITEM_FIELDS
    assert {frozenset(file) for file in item["files"]} == {frozenset(FILE_FIELDS)}
    assert [file["name"] for file in item["files"]] == [
        "Film.2024.1080p-GRP/Film.mkv",
        "Film.2024.1080p-GRP/Subs/en.srt",
    ]
    assert item["files"][1]["short_name"] == "en.srt"


async def test_a_cached_add_is_there_at_once(start: Start) -> None:
    """The detail says that the cache was used, and the second add returns the first id."""
    api = await start(film())
    added, again = await api.add(A), await api.add(A)
    assert added.json["detail"] == "Found Cached Torrent. Using Cached Torrent."
    assert again.json["detail"] == "Found Cached Torrent. Already added."
    assert added.data == again.data
    assert (await api.look(added.data["torrent_id"]))["download_state"] == "cached"


async def test_torrent_files_are_understood(start: Start) -> None:
    """A multipart upload adds what stands in the file."""
    api = await start()
    made = make_torrent("Some.Film", (ContentFile("Some.Film.mkv", 70_000),))
    form = aiohttp.FormData()
    form.add_field("file", made.torrent, filename="x.torrent")
    form.add_field("allow_zip", "True")
    form.add_field("as_queued", "0")
    added = await api.call("POST", "/v1/api/torrents/createtorrent", data=form)
    assert added.data["hash"] == made.hash
    api.sim.clock.advance(60)
    item = await api.look(added.data["torrent_id"])
    assert [file["name"] for file in item["files"]] == ["Some.Film/Some.Film.mkv"]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, "MISSING_REQUIRED_OPTION"),
        ({"magnet": "magnet:?dn=x"}, "BOZO_TORRENT"),
        ({"file": "<html>"}, "BOZO_TORRENT"),
        ({"file": "de", "magnet": "magnet:?x"}, "TOO_MANY_OPTIONS"),
        ({"magnet": f"magnet:?xt=urn:btih:{A}", "add_only_if_cached": "1"}, "DOWNLOAD_NOT_CACHED"),
    ],
)
async def test_bad_adds_are_refused(start: Start, form: dict[str, str], expected: str) -> None:
    """Each bad add has its own code and leaves nothing."""
    api = await start()
    upload = aiohttp.FormData()
    for name, value in form.items():
        upload.add_field(name, value, filename="x.torrent" if name == "file" else None)
    answer = await api.call("POST", "/v1/api/torrents/createtorrent", data=upload)
    assert (answer.status, answer.error) == (400, expected)
    assert (await api.get("/torrents/mylist", bypass_cache="true")).status == 404


@pytest.mark.parametrize(
    ("reply", "success", "data"),
    [
        ("id", True, {"hash", "torrent_id", "queued_id", "auth_id", "active_limit",
                      "current_active_downloads"}),
        ("empty", True, None),
        ("refusal", False, None),
    ],
)  # fmt: skip
async def test_queued_adds_are_told_in_three_ways(
    start: Start, reply: str, success: bool, data: set[str] | None
) -> None:
    """Whatever is said, the item is in the queue."""
    api = await start(account={"slots": 0}, behaviour={"queued_reply": reply})
    answer = await api.add(A, as_queued="true")
    assert (answer.status, answer.json["success"]) == (200, success)
    assert (None if answer.data is None else set(answer.data)) == data
    assert answer.data is None or answer.data["torrent_id"] is None
    (entry,) = (await api.get("/queued/getqueued", bypass_cache="true")).data
    assert entry["hash"] == A
    assert not {"size", "progress", "files", "download_state"} & set(entry)


async def test_queued_items_are_controlled_on_both_routes(start: Start) -> None:
    """Delete one by the new route, the rest by the old."""
    api = await start(account={"slots": 0})
    for info_hash in (A, B, C):
        await api.add(info_hash, as_queued="true")
    first = (await api.get("/torrents/getqueued")).data[0]["id"]
    gone = await api.post("/queued/controlqueued", {"queued_id": first, "operation": "delete"})
    assert gone.json["detail"] == "Queued download deleted successfully."
    for entry in (await api.get("/torrents/getqueued")).data:
        body = {"queued_id": entry["id"], "operation": "delete"}
        assert (await api.post("/torrents/controlqueued", body)).status == 200
    assert (await api.get("/torrents/getqueued")).status == 404


async def test_deleting_frees_the_slot_and_kills_the_links(start: Start) -> None:
    """After delete the id is unknown and its links are dead."""
    api = await start(film(), items=[A])
    torrent_id = (await api.get("/torrents/mylist")).data[0]["id"]
    link = (await api.link(torrent_id)).data
    body = {"torrent_id": torrent_id, "operation": "delete", "all": False}
    deleted = await api.post("/torrents/controltorrent", body)
    assert deleted.json["detail"] == "Torrent deleted successfully."
    assert (await api.fetch(link)).status == 404
    again = await api.post("/torrents/controltorrent", body)
    assert (again.status, again.error) == (404, "ITEM_NOT_FOUND")


async def test_the_list_is_stale_without_exactly_true(start: Start) -> None:
    """bypass_cache=True shows the old list; true shows the new."""
    api = await start(film(A), film(B), items=[A])
    await api.get("/torrents/mylist")
    await api.add(B)
    stale = await api.get("/torrents/mylist", bypass_cache="True")
    assert [item["hash"] for item in stale.data] == [A]
    fresh = await api.get("/torrents/mylist", bypass_cache="true")
    assert {item["hash"] for item in fresh.data} == {A, B}


async def test_the_stale_list_ages(start: Start) -> None:
    """After list_stale_seconds the plain list is new as well."""
    api = await start(film(A), film(B), items=[A], behaviour={"list_stale_seconds": 30})
    await api.get("/torrents/mylist")
    await api.add(B)
    api.sim.clock.advance(30)
    assert len((await api.get("/torrents/mylist")).data) == 2


async def test_the_list_comes_in_pages(start: Start) -> None:
    """Pages by offset and limit, newest first; past the end is the empty 404."""
    contents = [film(f"{number:040x}") for number in range(5)]
    api = await start(*contents, items=[content.hash for content in contents])
    pages = [await api.get("/torrents/mylist", offset=at, limit=2) for at in (0, 2, 4)]
    ids = [item["id"] for page in pages for item in page.data]
    assert ids == sorted(ids, reverse=True)
    assert len(set(ids)) == 5
    assert (await api.get("/torrents/mylist", offset=5)).status == 404


@pytest.mark.parametrize(("manner", "expected"), [("empty", {}), ("null", None)])
async def test_nothing_cached_is_empty_or_null(start: Start, manner: str, expected: object) -> None:
    """Both manners of saying that nothing is cached."""
    api = await start(behaviour={"nothing_cached": manner})
    answer = await api.post("/torrents/checkcached", {"hashes": [A]})
    assert (answer.status, answer.data) == (200, expected)


async def test_checkcached_tells_only_what_is_cached(start: Start) -> None:
    """Hashes are taken in any case and answered in lower case; files only if asked for."""
    api = await start(film(A), film(B, cached=False))
    found = await api.post("/torrents/checkcached", {"hashes": [A.upper(), B]})
    assert found.data == {A: {"name": film().name, "size": 1010, "hash": A}}
    listed = await api.post("/torrents/checkcached?list_files=true", {"hashes": [A]})
    assert [file["short_name"] for file in listed.data[A]["files"]] == ["Film.mkv", "en.srt"]


async def test_torrentinfo_needs_no_key(start: Start) -> None:
    """Without metadata it takes the timeout and fails."""
    nobody = Content(B, "x", (ContentFile("x", 1),), metadata=False)
    api = await start(film(cached=False), nobody)
    api.key = None
    by_hash = await api.get("/torrents/torrentinfo", hash=A)
    assert (by_hash.data["name"], by_hash.data["size"]) == (film().name, 1010)
    none = await api.get("/torrents/torrentinfo", hash=B, timeout=0)
    assert (none.status, none.error) == (500, "DOWNLOAD_SERVER_ERROR")
    assert (await api.get("/torrents/torrentinfo", hash="x")).error == "BOZO_TORRENT"


async def test_exports_are_raw_files(start: Start) -> None:
    """An uncached item is exported; one from the cache is not."""
    api = await start(film(A, cached=False), film(B))
    first, second = (await api.add(A)).data["torrent_id"], (await api.add(B)).data["torrent_id"]
    raw = await api.get("/torrents/exportdata", torrent_id=first, type="file")
    assert parse_torrent(raw.body) is not None
    told = [
        (await api.get("/torrents/exportdata", torrent_id=torrent_id, type="file")).error
        for torrent_id in (second, 99)
    ]
    assert told == ["INVALID_OPTION", "ITEM_NOT_FOUND"]


async def test_the_user_has_a_plan(start: Start) -> None:
    """user/me tells the plan and the slots that were bought."""
    api = await start(account={"plan": 3, "additional_slots": 1})
    plain = (await api.get("/user/me")).data
    assert (plain["plan"], plain["additional_concurrent_slots"]) == (3, 1)


async def test_search_finds_registered_names(start: Start) -> None:
    """The search host's path and the old one, on the same port."""
    api = await start(film())
    found = (await api.call("GET", "/torrents/search/film 2024")).data["torrents"]
    assert [hit["hash"] for hit in found] == [A]
    assert (await api.get("/torrents/search", query="nothing")).data["torrents"] == []


@pytest.mark.parametrize(
    ("shape", "expected"),
    [("folder", "Movie/Movie.mkv"), ("bare", "Movie.mkv"), ("extension", "Movie.mkv/Movie.mkv")],
)
async def test_single_files_are_listed_in_the_chosen_shape(
    start: Start, shape: str, expected: str
) -> None:
    """behaviour.single_file decides what files[].name looks like."""
    api = await start(single(), items=[A], behaviour={"single_file": shape})
    (item,) = (await api.get("/torrents/mylist")).data
    assert item["files"][0]["name"] == expected


async def test_tricks_show_in_items(start: Start) -> None:
    """State text, upper-case hash, infected files, a name that is none, files null."""
    api = await start(film(A), film(B), items=[A, B])
    api.sim.world.change(
        A, state="weird", upper_hash=True, infected=True, name="Other", progress=0.5
    )
    api.sim.world.change(B, no_files=True)
    second, first = (await api.get("/torrents/mylist")).data
    assert (first["download_state"], first["hash"], first["name"]) == ("weird", "A" * 40, "Other")
    assert first["progress"] == 0.5
    assert all(file["infected"] for file in first["files"])
    assert second["files"] is None


async def test_calls_are_logged_without_secrets(start: Start) -> None:
    """Endpoint, ids and outcome are kept; the key is nowhere."""
    api = await start(film(), items=[A])
    await api.add(B)
    await api.link(99)
    (create,) = api.sim.calls.to("createtorrent")
    assert (create.hash, create.status, create.outcome) == (B, 200, "ok")
    (link,) = api.sim.calls.to("requestdl")
    assert (link.id, link.status, link.outcome) == (99, 404, "ITEM_NOT_FOUND")
    assert api.sim.calls.counts() == {"createtorrent": 1, "requestdl": 1}
    assert api.sim.key not in repr(list(api.sim.calls))
