"""What a person does with the page, in a real browser."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest

from bridge.app import Origin, bridge
from bridge.config import load
from bridge.core.model import Phase, Reason
from bridge.simulator import magnet_of
from bridge.simulator.faults import Error
from bridge.simulator.releases import torrent_of
from tests.support.arr_api import KEY, ArrApi
from tests.support.browser import browsing, chromium, enter, eventually, row
from tests.support.http import client_of
from tests.support.page_world import XSS, fill, finished, page_world
from tests.support.rig import BRISK, PASSWORD, Rig, cached, pack

pytestmark = pytest.mark.timeout(180)

ROWS = 2000
MIDDLE_IS_SHOWN = """() => {
  const first = Number(document.querySelector(".rows .row").getAttribute("aria-rowindex"));
  return first > 800 && first < 1200;
}"""


@pytest.fixture(name="many")
async def _many(set_up: Rig) -> AsyncIterator[Rig]:
    """A bridge with 2,000 downloads."""
    chromium()
    await fill(set_up.directory / "bridge.db", (finished(number) for number in range(ROWS)))
    await set_up.start()
    try:
        yield set_up
    finally:
        await set_up.stop()


async def test_log_in_and_out(rig: Rig) -> None:
    """A wrong password is told so; the right one shows the page, and logging out hides it."""
    async with browsing(rig.url, log_in=False) as page:
        await page.fill("#username", "admin")
        await page.fill("#password", "wrong")
        await page.click("button[type=submit]")
        await page.get_by_text("Username or password is wrong").wait_for()
        await enter(page)
        await page.get_by_text("No downloads yet.").wait_for()
        await page.get_by_role("button", name="Log out").click()
        await page.get_by_role("heading", name="Log in").wait_for()
        await page.goto(f"{rig.url}/settings")
        await page.get_by_role("heading", name="Log in").wait_for()


async def test_add_by_drop_and_watch(rig: Rig) -> None:
    """A .torrent is dropped, one of its files is left out, and it is watched to its end."""
    content = pack("Dropped.Show.S01", episodes=2)
    rig.sim.register(content)
    async with browsing(rig.url) as page:
        await page.get_by_text("No downloads yet.").wait_for()
        await page.evaluate(
            """(data) => {
              const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
              const transfer = new DataTransfer();
              transfer.items.add(new File([bytes], "dropped.torrent"));
              for (const kind of ["dragover", "drop"]) {
                const options = { bubbles: true, cancelable: true, dataTransfer: transfer };
                document.body.dispatchEvent(new DragEvent(kind, options));
              }
            }""",
            base64.b64encode(torrent_of(content)).decode(),
        )
        await page.get_by_text("dropped.torrent").wait_for()
        await page.get_by_role("button", name="Show files").click()
        await page.get_by_text("2 of 2 files").wait_for()
        await page.get_by_role("checkbox", name="E02.mkv").uncheck()
        await page.get_by_text("1 of 2 files").wait_for()
        await page.get_by_label("Category", exact=True).last.fill("tv-new")
        await page.get_by_role("button", name="Add", exact=True).last.click()
        await row(page, content.name).locator(".doing", has_text="Completed").wait_for()
        done = await rig.reaches(content.hash, Phase.FINISHED)
        assert done.category == "tv-new"
        there = [file.name for file in (rig.downloads / "tv-new" / content.name).iterdir()]
        assert len(there) == 1


async def test_adopt_what_is_at_torbox(rig: Rig) -> None:
    """An empty list offers what is on the account; what is chosen is fetched, the rest stays away."""
    wanted, other = pack("Wanted.S01"), pack("Other.S01")
    for content in (wanted, other):
        rig.sim.register(content, on_account=True)
    async with browsing(rig.url) as page:
        await page.get_by_role("button", name="Adopt from TorBox").click()
        await page.get_by_role("checkbox", name="All 2 torrents").wait_for()
        await page.get_by_role("button", name="Adopt", exact=True).click()
        await page.get_by_text("Choose what the bridge adopts").wait_for()
        await page.get_by_role("checkbox", name="Wanted.S01").check()
        await page.get_by_label("Category", exact=True).last.fill("tv-old")
        await page.get_by_role("button", name="Adopt", exact=True).click()
        await page.get_by_text("1 download adopted").wait_for()
        await row(page, wanted.name).locator(".doing", has_text="Completed").wait_for()
        assert (await rig.reaches(wanted.hash, Phase.FINISHED)).category == "tv-old"
        assert rig.entry(other.hash) is None
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("button", name="Adopt from TorBox").click()
        await page.get_by_role("checkbox", name="Other.S01").wait_for()
        adopting = page.get_by_role("dialog")
        assert await adopting.get_by_role("checkbox", name="Wanted.S01").count() == 0
    assert rig.sim.calls.count("createtorrent") == 0


async def test_filter_select_retry_remove_and_undo(rig: Rig) -> None:
    """What has failed is found, retried and removed; what was paused by mistake goes on."""
    doomed, works = pack("Doomed"), cached(pack("Works"), is_cached=False)
    for content in (doomed, works):
        rig.sim.register(content)
    rig.sim.world.change(works.hash, metadata_seconds=1e6)
    refusal = Error(400, "BOZO_TORRENT", "Torrent file is not valid.")
    rig.sim.faults.add("createtorrent", refusal, hash=doomed.hash)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(doomed))
        await arr.add_magnet(magnet_of(works))
    await rig.reaches(doomed.hash, Phase.FAILED)
    await rig.reaches(works.hash, Phase.REMOTE)
    async with browsing(rig.url) as page:
        await row(page, "Doomed").get_by_text("Torrent file is not valid").wait_for()
        await page.get_by_role("button", name=re.compile("Failed")).click()
        await eventually(lambda: _count(page, 1))
        await row(page, "Doomed").get_by_role("checkbox").click()
        await page.get_by_text("1 selected").wait_for()
        assert await row(page, "Doomed").get_by_role("checkbox").is_checked()
        await page.get_by_role("toolbar").get_by_role("button", name="Retry").click()
        await rig.reaches(doomed.hash, Phase.FINISHED)
        await page.get_by_role("button", name=re.compile("^All")).click()
        await row(page, "Doomed").locator(".doing", has_text="Completed").wait_for()

        await row(page, "Works").get_by_role("button", name="Actions for Works").click()
        await page.get_by_role("menuitem", name="Pause").click()
        await eventually(lambda: _is(rig.followed(works.hash).stopped))
        await page.get_by_role("button", name="Undo").click()
        await eventually(lambda: _is(not rig.followed(works.hash).stopped))

        await page.get_by_label("Search names").fill("doom")
        await eventually(lambda: _count(page, 1))
        await row(page, "Doomed").get_by_role("link").focus()
        await page.keyboard.press("Delete")
        await page.get_by_text("You can undo this for a few seconds").wait_for()
        await page.keyboard.press("Escape")
        await page.get_by_role("dialog").wait_for(state="detached")
        await page.wait_for_function(FOCUSED, arg="Doomed")
        assert rig.entry(doomed.hash) is not None
        await page.keyboard.press("Delete")
        await page.get_by_role("button", name="Remove", exact=True).click()
        await page.get_by_text("No download fits this filter").wait_for()
        await eventually(lambda: _is(rig.entry(doomed.hash) is None))


@pytest.mark.parametrize("width", [390, 1440])
async def test_a_removal_can_be_undone(many: Rig, width: int) -> None:
    """By the button and by Ctrl+Z, before anything was sent to the bridge; the row comes back."""
    before = set(many.state.grabs)
    async with browsing(many.url, width=width) as page:
        sent = []
        page.on("request", lambda one: sent.append(one) if one.url.endswith("/actions") else None)
        await page.wait_for_selector(".rows .row")
        first, second = (await page.locator(".rows .row a").all_inner_texts())[:2]
        for undo in ("button", "keyboard"):
            await row(page, first).get_by_role("checkbox").check()
            await row(page, second).get_by_role("link").focus()
            await page.keyboard.press("Space")
            await page.keyboard.press("Delete")
            await page.get_by_role("button", name="Remove", exact=True).click()
            told = page.get_by_role("status").filter(has_text="Removed 2 downloads")
            await told.get_by_role("button", name="Undo").focus()  # the message waits
            await row(page, first).wait_for(state="detached")
            await page.get_by_role("button", name=f"All {ROWS - 2}").wait_for()
            await page.keyboard.press("Enter" if undo == "button" else "Control+z")
            await page.get_by_text("2 downloads stay").wait_for()
            await row(page, second).wait_for()
            await page.get_by_role("button", name=f"All {ROWS}").wait_for()
        assert not sent
    assert set(many.state.grabs) == before


@pytest.mark.parametrize("width", [390, 820, 1440])
async def test_a_message_covers_no_action(many: Rig, width: int) -> None:
    """What was done, with its undo, stands above the actions for the selected rows."""
    async with browsing(many.url, width=width) as page:
        await page.wait_for_selector(".rows .row")
        await page.locator(".rows .row").nth(1).get_by_role("checkbox").check()
        await page.locator(".rows .row").first.get_by_role("button").click()
        await page.get_by_role("menuitem", name="Remove").click()
        await page.get_by_role("button", name="Remove", exact=True).last.click()
        await page.get_by_role("button", name="Undo").focus()  # the message waits
        message = await page.locator(".message").bounding_box()
        actions = await page.get_by_role("toolbar").bounding_box()
        assert message["y"] + message["height"] <= actions["y"]


FOCUSED = "(name) => document.activeElement.textContent === name"


async def test_a_removal_that_is_not_undone(many: Rig) -> None:
    """It is sent when its message ends: by itself, by a dialog, or with the page."""

    async def remove(nth: int) -> None:
        # While a dialog closes, no row takes the focus.
        await page.get_by_role("dialog").wait_for(state="detached")
        name = await page.locator(".rows .row a").nth(nth).inner_text()
        await row(page, name).get_by_role("link").focus()
        await page.wait_for_function(FOCUSED, arg=name)
        await page.keyboard.press("Delete")
        await page.get_by_role("button", name="Remove", exact=True).click()
        await page.get_by_role("button", name="Undo").focus()  # the message waits
        await row(page, name).wait_for(state="detached")

    def left(number: int) -> Any:
        return lambda: _is(len(many.state.grabs) == number)

    async with browsing(many.url) as page:
        await page.wait_for_selector(".rows .row")
        await remove(0)
        assert len(many.state.grabs) == ROWS
        await page.evaluate("document.activeElement.blur()")
        await eventually(left(ROWS - 1))
        await page.get_by_role("button", name="Undo").wait_for(state="detached")
        await remove(3)
        await page.get_by_role("button", name="Add", exact=True).click()
        await eventually(left(ROWS - 2))
        await page.keyboard.press("Escape")
        await remove(1)
        assert len(many.state.grabs) == ROWS - 2
        await page.goto("about:blank")
        await eventually(left(ROWS - 3))


REAPPEARS = """(name) => {
  window.seen = false;
  const shown = () => [...document.querySelectorAll(".rows a")].some((one) => one.textContent === name);
  const look = () => { window.seen = window.seen || shown(); };
  new MutationObserver(look).observe(document.querySelector(".rows"), { childList: true });
}"""


async def test_a_removed_row_does_not_flash(many: Rig) -> None:
    """It stays away between the bridge's answer and the sync that no longer has it."""
    async with browsing(many.url) as page:
        syncing, answered = asyncio.Event(), asyncio.Event()

        async def sync(route: Any) -> None:
            syncing.set()
            await answered.wait()
            await asyncio.sleep(0.3)
            await route.continue_()

        async def act(route: Any) -> None:
            await syncing.wait()
            await route.fulfill(response=await route.fetch())
            answered.set()

        await page.wait_for_selector(".rows .row")
        await page.route("**/sync?*", sync)
        await page.route("**/actions", act)
        name = await page.locator(".rows .row a").first.inner_text()
        await row(page, name).get_by_role("link").focus()
        await page.keyboard.press("Delete")
        await page.get_by_role("button", name="Remove", exact=True).click()
        await row(page, name).wait_for(state="detached")
        await page.evaluate(REAPPEARS, name)
        await page.get_by_role("button", name="Dismiss").click()
        await answered.wait()
        async with page.expect_response("**/sync?*"):
            pass
        await page.get_by_role("button", name=f"All {ROWS - 1}").wait_for()
        assert not await page.evaluate("window.seen")


async def test_a_removal_that_the_bridge_does_not_get(many: Rig) -> None:
    """The row comes back, and it is told why."""
    async with browsing(many.url, expected="500") as page:
        refusal = {"status": 500, "json": {"error": "the disk is full"}}
        await page.route("**/actions", lambda route: route.fulfill(**refusal))
        await page.wait_for_selector(".rows .row")
        name = await page.locator(".rows .row a").first.inner_text()
        await row(page, name).get_by_role("link").focus()
        await page.keyboard.press("Delete")
        await page.get_by_role("button", name="Remove", exact=True).click()
        await row(page, name).wait_for(state="detached")
        await page.get_by_role("button", name="Dismiss").click()
        await page.get_by_text("Nothing was done: the disk is full").wait_for()
        await row(page, name).wait_for()


async def test_what_has_failed_is_removed_without_a_question(set_up: Rig) -> None:
    """Nothing of it is destroyed, so there is one click less, and an undo; its page gives way."""
    chromium()
    failed = finished(
        1, name="Doomed", phase=Phase.FAILED, failure_reason=Reason.GAVE_UP, failure_message="x"
    )
    await fill(set_up.directory / "bridge.db", [failed])
    await set_up.start()
    try:
        async with browsing(set_up.url) as page:
            await row(page, "Doomed").get_by_role("link").click()
            await page.get_by_role("button", name="More actions").click()
            await page.get_by_role("menuitem", name="Remove").click()
            await page.get_by_text("Removed “Doomed”").wait_for()
            await page.get_by_role("button", name="Undo").focus()  # the message waits
            await page.get_by_text("No downloads yet").wait_for()
            assert set_up.state.grabs
            await page.keyboard.press("Enter")
            await row(page, "Doomed").wait_for()
            await row(page, "Doomed").get_by_role("checkbox").click()
            await page.get_by_role("toolbar").get_by_role("button", name="Remove").click()
            await page.get_by_role("button", name="Log out").click()
            await page.get_by_role("heading", name="Log in").wait_for()
            assert not set_up.state.grabs
    finally:
        await set_up.stop()


async def test_a_report_to_an_arr_can_be_undone(set_up: Rig) -> None:
    """The *arr is told when the message ends, and not before."""
    chromium()
    content = cached(pack("Wrong.Show"), is_cached=False)
    set_up.sim.register(content)
    set_up.sim.world.change(content.hash, metadata_seconds=1e6)
    async with ArrApi() as api:
        set_up.change(BRIDGE_ARR=json.dumps([api.settings()]))
        await set_up.start()
        try:
            async with set_up.arr() as arr:
                await arr.add_magnet(magnet_of(content))
            await set_up.reaches(content.hash, Phase.REMOTE)
            async with browsing(set_up.url) as page:
                for ends in ("Undo", "Dismiss"):
                    await row(page, "Wrong.Show").get_by_role("button").click()
                    await page.get_by_role("menuitem", name="Tell the *arr").click()
                    await page.get_by_role("button", name="Tell it").click()
                    told = page.get_by_role("status").filter(has_text="is told that “Wrong.Show”")
                    await told.get_by_role("button", name=ends).focus()  # the message waits
                    assert set_up.followed(content.hash).phase is Phase.REMOTE
                    await page.keyboard.press("Enter")
                    await told.wait_for(state="detached")
                await set_up.reaches(content.hash, Phase.FAILED)
        finally:
            await set_up.stop()


async def test_attempts_that_end_alike_are_one_line(rig: Rig) -> None:
    """A day of waiting for a slot does not bury the rest of the timeline."""
    content = cached(pack("Waits"), is_cached=False)
    rig.sim.register(content)
    full = Error(400, "ACTIVE_LIMIT", "You have reached your active download limit.")
    rig.sim.faults.add("createtorrent", full, times=3)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.reaches(content.hash, Phase.FINISHED)
    async with browsing(rig.url) as page:
        await row(page, "Waits").get_by_role("link").click()
        timeline = page.locator(".timeline")
        await timeline.get_by_text("tried 3 times").wait_for()
        await timeline.get_by_text("Completed").wait_for()
        assert await timeline.get_by_text("active download limit").count() == 1


async def test_when_the_adds_refill_is_shown(rig: Rig) -> None:
    """With a single add used, and not only when all are."""
    content = cached(pack("Uncached"), is_cached=False)
    rig.sim.register(content)
    async with browsing(rig.url) as page:
        await page.get_by_text("Cached torrents do not count").wait_for()
        async with rig.arr() as arr:
            await arr.add_magnet(magnet_of(content))
        await page.get_by_text(re.compile("All 60 again in (59|60) min")).wait_for()


async def _count(page: Any, number: int) -> bool:
    return bool(await page.locator(".rows .row").count() == number)


async def _is(holds: bool) -> bool:
    return holds


async def test_two_thousand_rows(many: Rig) -> None:
    """Only those in sight are in the page; all can be reached, selected, searched and left."""
    async with browsing(many.url) as page:
        await page.wait_for_selector(".rows .row")
        assert await page.locator(".rows .row").count() < 60
        assert await page.get_by_role("table").get_attribute("aria-rowcount") == str(ROWS + 1)
        await page.keyboard.press("End")
        await eventually(lambda: _says(page, "scrollY > document.body.scrollHeight / 2", True))
        await page.evaluate("scrollTo(0, document.body.scrollHeight / 2)")
        await eventually(lambda: _says(page, MIDDLE_IS_SHOWN, True))
        link = page.locator(".rows .row a").nth(10)
        name = await link.inner_text()
        await row(page, name).get_by_role("link").hover()
        middle = await page.evaluate("scrollY")
        await row(page, name).get_by_role("link").click()
        await page.get_by_role("heading", name=name).wait_for()
        await page.go_back()
        await row(page, name).wait_for()
        assert abs(await page.evaluate("scrollY") - middle) < 5
        await page.get_by_role("checkbox", name="Select all").check()
        await page.get_by_text(f"{ROWS} selected").wait_for()
        await page.get_by_role("button", name="Clear the selection").click()
        await page.get_by_label("Search names").fill("grp00042")
        await eventually(lambda: _count(page, 1))
        await page.get_by_label("Search names").fill("")
        await page.get_by_role("columnheader", name="Size").get_by_role("button").click()
        first = page.locator(".rows .row").first
        await eventually(lambda: _holds(first.locator(".c-size"), "GiB"))


@pytest.mark.parametrize("width", [820, 1440])
async def test_a_long_name_leaves_room_for_what_it_does(
    set_up: Rig, width: Literal[820, 1440]
) -> None:
    """A row is one line of name and one of explanation; neither is cut off."""
    chromium()
    name = (
        "A.Rather.Long.Show.Name.S01E02.An.Episode.With.A.Long.Title.2160p.WEB-DL.DDP5.1.H265-GROUP"
    )
    await fill(set_up.directory / "bridge.db", [finished(1, name=name)])
    await set_up.start()
    try:
        async with browsing(set_up.url, width=width) as page:
            shown = row(page, name)
            outer = await shown.bounding_box()
            doing = await shown.locator(".doing").bounding_box()
            link = await shown.get_by_role("link").bounding_box()
            assert outer["y"] < link["y"]
            assert link["y"] + link["height"] <= doing["y"]
            assert doing["y"] + doing["height"] < outer["y"] + outer["height"]
    finally:
        await set_up.stop()


async def _holds(locator: Any, text: str) -> bool:
    return text in await locator.inner_text()


async def test_what_is_wrong_is_at_the_head(rig: Rig) -> None:
    """An error of the disk that stays, and failed logins."""
    content = pack()
    rig.sim.register(content)
    (rig.downloads / "tv-sonarr").write_text("a file where a directory should be")
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    await rig.until(lambda: bool(rig.service.troubles))
    async with browsing(rig.url) as page:
        await page.locator(".notice", has_text="nothing is deleted at TorBox").wait_for()
        async with client_of(rig.url) as client:
            for _ in range(5):
                await client.login("admin", "wrong")
        await page.locator(".notice", has_text="5 failed logins from").wait_for()


async def test_the_keyboard_is_enough(many: Rig) -> None:
    """Arrows move, space selects, shift-arrow selects a range, Enter opens, Escape lets go."""
    async with browsing(many.url) as page:
        await page.wait_for_selector(".rows .row")
        names = await page.locator(".rows .row a").all_inner_texts()
        await page.locator(".rows .row a").first.focus()
        for _ in range(3):
            await page.keyboard.press("ArrowDown")
        focused = "document.activeElement.textContent"
        assert await page.evaluate(focused) == names[3]
        await page.keyboard.press("Space")
        await page.get_by_text("1 selected").wait_for()
        await page.keyboard.press("Shift+ArrowDown")
        await page.get_by_text("2 selected").wait_for()
        await page.locator(".rows .row").nth(8).get_by_role("checkbox").click(modifiers=["Shift"])
        await page.get_by_text("6 selected").wait_for()
        assert await page.locator(".rows .row input:checked").count() == 6
        await page.locator(".rows .row a").nth(8).focus()
        await page.keyboard.press("Escape")
        await page.get_by_text("6 selected").wait_for(state="detached")
        assert await page.locator(".rows .row input:checked").count() == 0
        second, third = (await page.locator(".rows .row a").all_inner_texts())[1:3]
        await row(page, second).get_by_role("link").focus()
        await page.keyboard.press("Delete")
        await page.get_by_role("button", name="Remove", exact=True).click()
        await row(page, second).wait_for(state="detached")
        await eventually(lambda: _says(page, focused, third))
        await page.keyboard.press("End")
        await eventually(lambda: _at_end(page))
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Timeline").wait_for()
        await page.go_back()
        await page.wait_for_selector(".rows .row")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "search"


async def _says(page: Any, script: str, wanted: object) -> bool:
    return bool(await page.evaluate(script) == wanted)


async def _at_end(page: Any) -> bool:
    index = "document.activeElement.closest('[aria-rowindex]')?.getAttribute('aria-rowindex')"
    return bool(await page.evaluate(index) == str(ROWS))


async def test_names_are_text(tmp_path: Path) -> None:
    """A name that is HTML and script is shown as it is, everywhere."""
    chromium()
    async with page_world(Rig(tmp_path)) as rig, browsing(rig.url) as page:
        await row(page, XSS).wait_for()
        await row(page, XSS).get_by_role("button").click()
        await page.get_by_role("menuitem", name="Remove").click()
        await page.keyboard.press("Escape")
        await row(page, XSS).get_by_role("link").click()
        await page.get_by_role("heading", name=XSS).wait_for()
        await page.get_by_role("link", name="History").click()
        await page.get_by_role("link", name=XSS).wait_for()
        assert await page.evaluate("document.images.length") == 0
        assert "xss" not in await page.title()


async def test_change_a_setting(set_up: Rig, tmp_path: Path) -> None:
    """It is explained, refused while it is wrong, saved with the comments, and says what it needs."""
    chromium()
    file = tmp_path / "bridge.yaml"
    file.write_text("# my comment\npolicy:\n  cached: any\n", encoding="utf-8")
    environ = set_up.environ

    def read() -> Any:
        return load(file, environ)

    async with (
        bridge(read(), retry=BRISK, reload=read, origin=Origin(file, environ)) as running,
        browsing(running.url, expected="400") as page,
    ):
        await page.get_by_role("link", name="Settings").click()
        field = page.get_by_label("delivery.parallel_files")
        await field.fill("many")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("expected an integer between 1 and 64").wait_for()
        await field.fill("8")
        await page.get_by_label("policy.cached").select_option("only")
        await page.get_by_text("2 changed").wait_for()
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("Saved settings take effect after a restart").wait_for()
        assert read().delivery.parallel_files == 8
        assert "# my comment" in file.read_text(encoding="utf-8")
        password = page.get_by_label("server.password", exact=True)
        assert await password.is_disabled()
        assert PASSWORD not in await page.content()
        # Also where somebody looks who has not changed them: the rest of the page shows what runs.
        await page.get_by_role("link", name="Downloads").click()
        notice = page.locator(".notice", has_text="take effect after a restart of the bridge")
        await notice.get_by_text("delivery.parallel_files").wait_for()


async def test_an_arr_that_does_not_answer(set_up: Rig, tmp_path: Path) -> None:
    """The head says so; it is removed only after a question, and unsaved settings stay as they are."""
    chromium()
    file = tmp_path / "bridge.yaml"
    file.write_text(
        "arr:\n  - {name: sonarr, kind: sonarr, url: 'http://127.0.0.1:9', api_key: none, categories: [tv]}\n",
        encoding="utf-8",
    )
    environ = set_up.environ

    def read() -> Any:
        return load(file, environ)

    async with (
        bridge(read(), retry=BRISK, reload=read, origin=Origin(file, environ)) as running,
        browsing(running.url) as page,
    ):
        await page.get_by_text("sonarr does not answer").wait_for()
        await page.get_by_role("link", name="Settings").click()
        await page.get_by_label("delivery.parallel_files").fill("8")
        await page.locator("#arr").get_by_role("button", name="Remove").click()
        await page.get_by_text("no longer tells it when a download fails").wait_for()
        assert [arr.name for arr in read().arr] == ["sonarr"]
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await page.locator("#arr .entries li").wait_for(state="detached")
        assert read().arr == ()
        await page.get_by_text("1 changed").wait_for()
        assert await page.get_by_label("delivery.parallel_files").input_value() == "8"


async def test_the_first_run(set_up: Rig, tmp_path: Path) -> None:
    """Without a key: log in, enter the key, connect Sonarr, and Sonarr has its download client."""
    chromium()
    file = tmp_path / "bridge.yaml"
    environ = {key: value for key, value in set_up.environ.items() if "TORBOX__API_KEY" not in key}

    def read() -> Any:
        return load(file if file.exists() else None, environ)

    async with (
        ArrApi() as api,
        bridge(read(), retry=BRISK, reload=read, origin=Origin(file, environ)) as running,
        browsing(running.url) as page,
    ):
        await page.get_by_text("The bridge needs your TorBox API key").wait_for()
        await page.get_by_role("button", name="Set up").click()
        await page.get_by_label("TorBox API key").fill(set_up.sim.key)
        await page.get_by_role("button", name="Test and save").click()
        await page.get_by_text("TorBox accepted the key").wait_for()
        await page.get_by_label("URL", exact=True).fill(api.url)
        await page.get_by_label("API key", exact=True).fill(KEY)
        await page.get_by_role("button", name="Test", exact=True).click()
        await page.get_by_text("Sonarr 4.0.15 answers").wait_for()
        assert await page.get_by_label("Password").input_value() == PASSWORD
        await page.get_by_role("button", name="Create it there, and save").click()
        await page.get_by_text(
            "Sonarr has tested and created the download client TorBox"
        ).wait_for()
        await page.get_by_text("takes effect after a restart").first.wait_for()
        assert [client["name"] for client in api.clients] == ["TorBox"]
        saved = read()
        assert [(arr.name, arr.categories) for arr in saved.arr] == [("sonarr", ("tv-sonarr",))]
        assert saved.torbox.api_key is not None


async def test_it_is_quick_and_small(many: Rig) -> None:
    """The first paint comes within 300 ms on loopback, and little is transferred for it."""
    async with browsing(many.url) as page:
        await page.wait_for_selector(".rows .row")

        async def paints_quickly() -> bool:
            await page.reload()
            await page.wait_for_selector(".rows .row")
            painted = "performance.getEntriesByName('first-contentful-paint')[0]"
            await page.wait_for_function(painted)
            return bool(await page.evaluate(f"{painted}.startTime") < 300)

        # A busy machine delays the browser as well: it is the page's own time at a quiet moment.
        await eventually(paints_quickly, seconds=90.0)
        own = await page.evaluate(
            """performance.getEntriesByType('resource')
                 .filter((one) => one.name.includes('/web/'))
                 .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
        )
        assert own < 60_000
