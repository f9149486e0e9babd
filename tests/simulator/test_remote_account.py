"""The account: what calls do to it, and what time does."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.simulator import Behaviour, Content, ContentFile, SimulatedAccount
from bridge.simulator.envelopes import Refusal
from bridge.simulator.lifecycle import Order, Queued, Stage, Torrent
from bridge.simulator.releases import Catalogue, Source
from bridge.simulator.remote_account import CreateOutcome, World
from tests.simulator.support import A, B, C, D, Tick, film


def world_of(*contents: Content, slots: int = 10, plan: int = 2, **behaviour: Any) -> World:
    """A world whose clock is `world.clock`; TorBox gets 100 bytes a second."""
    manner = Behaviour(download_bytes_per_second=100.0, **behaviour)
    account = SimulatedAccount(slots=slots, plan=plan)
    return World(Tick(), account=account, behaviour=manner, catalogue=Catalogue(contents))


def wait(world: World, seconds: float) -> None:
    """Let time pass."""
    assert isinstance(world.clock, Tick)
    world.clock.now += seconds


def order(info_hash: str, **options: Any) -> Order:
    """What somebody asks for."""
    return Order(Source(info_hash, "Film"), **options)


def created(world: World, info_hash: str, **options: Any) -> Torrent:
    """An item that was added just now."""
    made = world.create(order(info_hash, **options))
    assert isinstance(made, CreateOutcome)
    item = world.find(info_hash)
    assert isinstance(item, Torrent)
    return item


def code(outcome: object) -> str | None:
    """The error code of a refusal."""
    assert isinstance(outcome, Refusal)
    return outcome.code


def test_an_uncached_torrent_lives_its_whole_life() -> None:
    """Metadata, download, store, seed, ready, expired: each for as long as it should."""
    world = world_of(film(cached=False), seed_seconds=5.0, expire_seconds=50.0)
    item = created(world, A)
    seen = []
    for at in (0.5, 1.0, 6.0, 1.0, 3.0, 1.0, 5.0, 50.0):
        wait(world, at)
        now = world.advance()
        seen.append((item.stage, item.state(now), round(item.progress(now), 2), item.active))
    assert seen == [
        (Stage.METADATA, "metaDL", 0.0, True),
        (Stage.DOWNLOADING, "downloading", 0.05, True),
        (Stage.DOWNLOADING, "downloading", 0.64, True),
        (Stage.DOWNLOADING, "downloading", 0.74, True),
        (Stage.STORING, "completed", 1.0, True),
        (Stage.SEEDING, "uploading", 1.0, True),
        (Stage.READY, "cached", 1.0, False),
        (Stage.EXPIRED, "expired", 1.0, False),
    ]


def test_one_jump_ends_where_small_steps_end() -> None:
    """A long silence is lived through event by event, promotions included."""
    ends = []
    for steps in (1, 400):
        world = world_of(film(A, cached=False), film(B, cached=False), slots=1)
        created(world, A, seed=3)
        world.create(order(B, as_queued=True, seed=3))
        for _ in range(steps):
            wait(world, 20.0 / steps)
            world.advance()
        ends.append([(item.id, item.stage, round(item.since, 6)) for item in world.torrents()])
    assert ends[0] == ends[1]


def test_a_cached_torrent_is_ready_at_once_and_holds_no_slot() -> None:
    """Cached adds need no slot, even when all are taken."""
    world = world_of(film(), slots=0)
    item = created(world, A)
    assert (item.present, item.active, item.state(world.clock())) == (True, False, "cached")


def test_a_cached_torrent_can_take_a_moment() -> None:
    """With cached_seconds it is there but not ready."""
    world = world_of(film(), cached_seconds=3.0)
    item = created(world, A)
    assert not item.present
    wait(world, 3.0)
    world.advance()
    assert item.present


def test_finishing_makes_a_torrent_cached_for_the_next() -> None:
    """What was downloaded once is in the shared cache afterwards."""
    world = world_of(film(cached=False))
    created(world, A)
    wait(world, 60)
    world.advance()
    assert world.catalogue.is_cached(A)


@pytest.mark.parametrize(("seed", "held"), [(1, True), (2, True), (3, False)])
def test_seeding_holds_a_slot_unless_told_not_to(seed: int, held: bool) -> None:
    """seed=3 frees the slot as soon as the item is present."""
    world = world_of(film(cached=False))
    item = created(world, A, seed=seed)
    wait(world, 60)
    assert (world.active == 1) is held
    assert item.present


def test_stop_seeding_frees_the_slot() -> None:
    """seed=2 goes on until it is stopped."""
    world = world_of(film(cached=False))
    item = created(world, A, seed=2)
    wait(world, 1_000_000)
    assert world.active == 1
    assert world.control(item.id, "stop_seeding") is None
    assert (world.active, item.state(world.clock())) == (0, "cached")


def uploaded(world: World, item: Torrent) -> tuple[float, float, str]:
    """Bytes uploaded, the speed, and the text of the state."""
    now = world.advance()
    return item.total_uploaded(now), item.upload_speed, item.state(now)


def test_it_uploads_while_it_seeds() -> None:
    """Bytes grow from the moment it seeds, stand still without peers, and stay when it stops."""
    world = world_of(film(cached=False), upload_bytes_per_second=7.0)
    item = created(world, A, seed=2)
    while item.stage is not Stage.SEEDING:
        wait(world, item.due - world.clock())
        assert uploaded(world, item)[0] == 0
    wait(world, 10)
    assert uploaded(world, item) == (70, 7, "uploading")
    world.change(A, upload_bytes_per_second=0)
    wait(world, 100)
    assert uploaded(world, item) == (70, 0, "uploading (no peers)")
    world.change(A, upload_bytes_per_second=1)
    wait(world, 5)
    world.control(item.id, "stop_seeding")
    wait(world, 100)
    assert uploaded(world, item) == (75, 0, "cached")


def test_full_slots_refuse_or_queue() -> None:
    """ACTIVE_LIMIT without as_queued, the queue with it."""
    world = world_of(film(B, cached=False), slots=1)
    created(world, A)
    refused = world.create(order(B))
    assert code(refused) == "ACTIVE_LIMIT"
    assert isinstance(refused, Refusal)
    assert refused.data == {"active_limit": 1, "current_active_downloads": 1}
    made = world.create(order(B, as_queued=True))
    assert isinstance(made, CreateOutcome)
    assert made.torrent_id is None
    assert [entry.id for entry in world.queue()] == [made.queued_id]


def test_the_free_plan_cannot_queue() -> None:
    """as_queued is ignored on the free plan."""
    world = world_of(film(A, cached=False), slots=0, plan=0)
    assert code(world.create(order(A, as_queued=True))) == "ACTIVE_LIMIT"


@pytest.mark.parametrize(
    ("manner", "expected"),
    [
        ("queue", None),
        ("refuse_200", (200, None)),
        ("refuse", (400, "ACTIVE_LIMIT")),
    ],
)
def test_manners_of_being_full(manner: str, expected: object) -> None:
    """Without a slot TorBox queues unasked, says so as 200, or as 400."""
    outcome = world_of(slots=0, when_full=manner).create(order(A))
    told = (outcome.status, outcome.code) if isinstance(outcome, Refusal) else None
    assert told == expected


def test_promotion_gives_a_new_id_after_a_gap() -> None:
    """For a moment a promoted item is in neither list; then it has another id."""
    world = world_of(film(A, cached=False), film(B, cached=False), slots=1)
    first = created(world, A)
    queued = world.create(order(B, as_queued=True))
    assert isinstance(queued, CreateOutcome)
    assert world.control(first.id, "delete") is None
    assert (world.queue(), world.torrents()) == ([], [])
    wait(world, 0.5)
    (promoted,) = world.torrents()
    assert promoted.hash == B
    assert promoted.id != queued.queued_id
    assert world.torrent(promoted.id) is promoted


def test_a_promoted_item_keeps_what_it_was_asked_with() -> None:
    """Seed choice and zip choice survive the queue."""
    world = world_of(film(A, cached=False), slots=1)
    created(world, B)
    world.create(order(A, as_queued=True, seed=3, allow_zip=False))
    world.forget(B)
    wait(world, 1)
    (item,) = world.torrents()
    assert (item.seed, item.allow_zip) == (3, False)


@pytest.mark.parametrize(
    ("queued_id", "operation", "expected"),
    [
        (None, "delete", "MISSING_REQUIRED_OPTION"),
        (1, "pause", "INVALID_OPTION"),
        (1, "delete", "ITEM_NOT_FOUND"),
    ],
)
def test_bad_queue_control_is_refused(queued_id: int | None, operation: str, expected: str) -> None:
    """Each wrong use has its own code."""
    outcome = world_of().control_queued(queued_id, operation)
    assert code(outcome) == expected


def test_a_queued_item_is_deleted() -> None:
    """One delete removes one entry."""
    world = world_of(slots=0)
    for info_hash in (A, B, C):
        world.create(order(info_hash, as_queued=True))
    assert world.control_queued(world.queue()[0].id, "delete") is None
    assert len(world.queue()) == 2


def test_a_hash_is_there_once() -> None:
    """A second create returns the first item's id, queued or not, dead or alive."""
    world = world_of(slots=1)
    first, again = world.create(order(A)), world.create(order(A))
    queued, queued_again = (world.create(order(B, as_queued=True)) for _ in range(2))
    for one, two in ((first, again), (queued, queued_again)):
        assert isinstance(one, CreateOutcome)
        assert isinstance(two, CreateOutcome)
        assert (one.torrent_id, one.queued_id) == (two.torrent_id, two.queued_id)


def test_a_duplicate_may_be_told_by_a_sentence_alone() -> None:
    """`already`: no code for an active item, DIFF_ISSUE for a queued one, and a sentence."""
    world = world_of(slots=1, duplicate="already")
    created(world, A)
    world.create(order(B, as_queued=True))
    active, queued = world.create(order(A)), world.create(order(B))
    assert isinstance(active, Refusal)
    assert isinstance(queued, Refusal)
    assert (active.code, queued.code) == (None, "DIFF_ISSUE")
    assert "already" in active.detail
    assert "already" in queued.detail


def test_a_plan_may_allow_cached_torrents_only() -> None:
    """`cached_only_plan` refuses what is not cached, and nothing else."""
    world = world_of(film(), cached_only_plan=True)
    assert created(world, A).hash == A
    assert code(world.create(order(B))) == "PLAN_RESTRICTED_FEATURE"


def test_duplicates_can_be_refused() -> None:
    """With duplicate=refuse both kinds answer DUPLICATE_ITEM."""
    world = world_of(slots=1, duplicate="refuse")
    created(world, A)
    world.create(order(B, as_queued=True))
    assert [code(world.create(order(info_hash))) for info_hash in (A, B)] == ["DUPLICATE_ITEM"] * 2


def test_collided_ids_are_the_same_number() -> None:
    """A queue id may be somebody else's torrent id."""
    world = world_of(slots=1, collide_ids=True)
    item = created(world, A)
    queued = world.create(order(B, as_queued=True))
    assert isinstance(queued, CreateOutcome)
    assert queued.queued_id == item.id


@pytest.mark.parametrize(
    ("changes", "asked", "expected"),
    [
        ({}, {"only_if_cached": True}, "DOWNLOAD_NOT_CACHED"),
        ({"plan": 0}, {}, "DOWNLOAD_TOO_LARGE"),
        ({"monthly_limit": 0}, {}, "MONTHLY_LIMIT"),
        ({"cooldown_until": 4e9}, {}, "COOLDOWN_LIMIT"),
    ],
)
def test_refusals_of_create(changes: dict[str, Any], asked: dict[str, Any], expected: str) -> None:
    """Plan, month, cooldown and cache each say no with their own code."""
    big = Content(A, "Big", (ContentFile("x.mkv", 11 << 30),))
    world = World(Tick(), account=SimulatedAccount(**changes), catalogue=Catalogue([big]))
    assert code(world.create(order(A, **asked))) == expected
    assert world.find(A) is None


def test_private_torrents_can_be_disabled() -> None:
    """The refusal has a text and no code."""
    private = Content(A, "P", (ContentFile("x.mkv", 1),), private=True)
    refused = world_of(private, allow_private=False).create(order(A))
    assert isinstance(refused, Refusal)
    assert refused.code is None
    assert "Private torrent" in refused.detail


@pytest.mark.parametrize(
    ("torrent_id", "operation", "expected"),
    [
        (None, "delete", "MISSING_REQUIRED_OPTION"),
        (8, "delete", "ITEM_NOT_FOUND"),
        (8, "pause", "INVALID_OPTION"),
    ],
)
def test_bad_control_is_refused(torrent_id: int | None, operation: str, expected: str) -> None:
    """No id, no such id, no such operation."""
    world = world_of()
    assert code(world.control(torrent_id, operation)) == expected


@pytest.mark.parametrize("manner", ["not_found", "not_owner", "database_error"])
def test_an_id_that_is_gone_has_three_answers(manner: str) -> None:
    """missing_id chooses how."""
    assert code(world_of(missing_id=manner).control(8, "delete")) is not None


def test_links_need_a_present_item() -> None:
    """Before and in the store window requestdl fails with DATABASE_ERROR."""
    world = world_of(film(cached=False))
    item = created(world, A)
    assert code(world.open_file(item.id, 0)) == "DATABASE_ERROR"
    wait(world, 1 + 10.1 + 0.5)
    world.advance()
    assert (item.finished, item.present) == (True, False)
    assert code(world.open_file(item.id, 0)) == "DATABASE_ERROR"
    wait(world, 1)
    assert not isinstance(world.open_file(item.id, 0), Refusal)
    assert code(world.open_file(item.id, 99)) == "ITEM_NOT_FOUND"


def test_link_failures_count_down() -> None:
    """The first k calls fail although the item is ready."""
    world = world_of(film())
    world.change(A, link_failures=2)
    item = created(world, A)
    told = [isinstance(world.open_file(item.id, 0), Refusal) for _ in range(3)]
    assert told == [True, True, False]


def test_a_stalled_item_stands_still_and_keeps_its_slot() -> None:
    """stop_at halts the download without end."""
    world = world_of(film(cached=False))
    world.change(A, stop_at=0.5)
    item = created(world, A)
    wait(world, 3600)
    now = world.advance()
    assert (item.progress(now), item.state(now), item.active) == (0.5, "stalled (no seeds)", True)
    assert (item.eta(now), item.speed(now)) == (8_640_000, 0.0)


def test_a_failed_item_frees_its_slot() -> None:
    """Failing ends the download with a reason in parentheses."""
    world = world_of(film(cached=False))
    world.change(A, stop_at=0.5, fail="Aborted, encryption detected")
    item = created(world, A)
    wait(world, 60)
    now = world.advance()
    assert item.state(now) == "failed (Aborted, encryption detected)"
    assert (item.active, item.present, item.progress(now)) == (False, False, 0.5)


def test_without_metadata_nothing_moves() -> None:
    """A content that nobody has stays in metaDL."""
    world = world_of(Content(A, "x", (ContentFile("x", 1),), metadata=False))
    item = created(world, A)
    wait(world, 1e6)
    world.advance()
    assert item.stage is Stage.METADATA


@pytest.mark.parametrize(
    ("hidden", "listed", "by_id"),
    [(None, 1, True), ("list", 0, True), ("id", 1, False), ("both", 0, False)],
)
def test_items_can_disappear(hidden: str | None, listed: int, by_id: bool) -> None:
    """From the list, by id, or both; the account still holds them."""
    world = world_of(film())
    item = created(world, A)
    world.change(A, hidden=hidden)
    assert (len(world.torrents()), world.torrent(item.id) is not None) == (listed, by_id)
    assert world.find(A) is item


def test_a_new_item_can_lag_behind_in_the_list() -> None:
    """list_lag_seconds hides it from the list only."""
    world = world_of(film(), list_lag_seconds=60.0)
    item = created(world, A)
    assert world.torrents() == []
    assert world.torrent(item.id) is item
    wait(world, 60)
    assert world.torrents() == [item]


def test_resume_lifts_a_pause() -> None:
    """A held-back state text goes away."""
    world = world_of(film())
    item = created(world, A)
    world.change(A, state="paused")
    assert item.state(0) == "paused"
    assert world.control(item.id, "resume") is None
    assert item.state(0) == "cached"


def test_a_content_put_there_needs_no_slot() -> None:
    """Items from the website are there whatever the limits."""
    world = world_of(slots=0)
    item = world.put(film(D))
    assert world.torrent(item.id) is item
    assert isinstance(world.put(film(C, cached=False)), Torrent)


def test_a_content_is_put_there_once() -> None:
    """Putting it again returns the item; a queued one is started."""
    world = world_of(slots=0)
    item = world.put(film(D))
    assert world.put(film(D)) is item
    world.create(order(A, as_queued=True))
    assert world.put(film(A, cached=False)).hash == A
    assert world.queue() == []


def test_queued_entries_are_found_by_hash() -> None:
    """A search sees both lists."""
    world = world_of(slots=0)
    world.create(order(A, as_queued=True))
    assert isinstance(world.find(A), Queued)
    world.forget(A)
    assert world.find(A) is None


def test_queueing_at_once_takes_a_while_to_start() -> None:
    """With as_queued=always an item goes through the queue though a slot is free."""
    world = world_of(as_queued="always", promotion_gap_seconds=2.0)
    made = world.create(order(A, as_queued=True))
    assert isinstance(made, CreateOutcome)
    seen = []
    for seconds in (0.0, 1.0, 2.0):
        wait(world, seconds)
        seen.append((len(world.queue()), len(world.torrents())))
    assert seen == [(0, 0), (0, 0), (0, 1)]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from("abcde"), st.booleans(), st.integers(1, 3)),
            st.tuples(st.just("delete"), st.integers(0, 4)),
            st.tuples(st.just("wait"), st.floats(0, 30)),
        ),
        max_size=25,
    )
)
@settings(max_examples=60)
def test_whatever_is_done_the_account_stays_in_order(steps: list[tuple[Any, ...]]) -> None:
    """Never more active items than slots, one item for a hash, no id twice, progress in 0..1."""
    films = [film(letter * 40, cached=False) for letter in "abcde"]
    world = world_of(*films, slots=2, seed_seconds=5.0)
    ids: dict[int, str] = {}
    for step in steps:
        match step:
            case ("add", letter, as_queued, seed):
                world.create(order(letter * 40, as_queued=as_queued, seed=seed))
            case ("delete", index) if index < len(world.torrents()):
                world.control(world.torrents()[index].id, "delete")
            case ("wait", seconds):
                wait(world, seconds)
        assert world.active <= 2
        hashes = [item.hash for item in world.torrents()]
        hashes += [entry.content.hash for entry in world.queue()]
        assert len(hashes) == len(set(hashes))
        for item in world.torrents():
            assert ids.setdefault(item.id, item.hash) == item.hash
            assert 0 <= item.progress(world.clock()) <= 1
