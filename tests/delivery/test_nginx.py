"""Fetching from a real nginx: bytes by hash, whatever happens to it in between."""

import asyncio
import os
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from bridge.delivery.delivery_progress import Progress
from bridge.delivery.fetch.fetch_settings import KIB, MIB, FetchSettings
from bridge.delivery.interface import DeliveryRequest, RequestedFile
from bridge.delivery.modes.download_mode import DownloadDelivery
from tests.support.delivery import FAST, HASH, begin, digest, some_bytes, until
from tests.support.nginx import Nginx

BIG = 24 * MIB
"""More than fits into the buffers of sockets."""
PATIENT = replace(FAST, attempts=60, backoff_cap=0.05, segment=64 * MIB)
"""For a server that is away for a moment; one segment for each connection."""


class Meter(Progress):
    """Notes what was found on disk, and how often a file began anew."""

    def __init__(self) -> None:
        super().__init__()
        self.found = 0
        self.zeros = 0

    def at(self, file_id: int, size: int) -> None:
        """Say how much of a file is on disk."""
        self.zeros += self.done(file_id) > size == 0
        self.found = max(self.found, size)
        super().at(file_id, size)


class Site:
    """Files that nginx serves, and a delivery that fetches them."""

    def __init__(self, top: Path, session: aiohttp.ClientSession) -> None:
        self.top = top
        self.served = top / "served"
        self.served.mkdir()
        self.session = session
        self.progress = Meter()

    def nginx(self, extra: str = "") -> Nginx:
        """Serve them."""
        return Nginx(self.served, self.top / "nginx", extra=extra)

    def add(self, *sizes: int) -> DeliveryRequest:
        """Write files of these sizes, and order them."""
        for number, size in enumerate(sizes):
            (self.served / str(number)).write_bytes(some_bytes(size, number))
        files = tuple(
            RequestedFile(file_id=number, remote_name=str(number), size=size,
                          path=f"Show/{number}.mkv")
            for number, size in enumerate(sizes)
        )  # fmt: skip
        return DeliveryRequest(
            info_hash=HASH, save_path=self.top / "tv", content_name="Show", files=files
        )

    def delivery(self, settings: FetchSettings = FAST) -> DownloadDelivery:
        """Make a delivery on the same directories, as after a restart."""
        return DownloadDelivery(
            incomplete=self.top / ".incomplete", session=self.session, settings=settings
        )

    def beyond(self, size: float) -> bool:
        """Return whether so much is on disk."""
        return self.progress.bytes_done > size

    async def half(self, request: DeliveryRequest, nginx: Nginx) -> int:
        """Deliver, and stop half-way; return how much was on disk."""
        delivery = self.delivery(PATIENT)
        delivery.set_limit(4 * BIG)
        task = begin(delivery.deliver(request, nginx, self.progress))
        await until(partial(self.beyond, BIG / 2))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        known, self.progress = self.progress.bytes_done, Meter()
        return known

    def check(self, request: DeliveryRequest) -> None:
        """Compare every file with what nginx serves."""
        for file in request.files:
            assert digest(request.save_path / file.path) == digest(self.served / str(file.file_id))


@pytest.fixture(name="site")
async def _site(tmp_path: Path, session: aiohttp.ClientSession) -> Site:
    return Site(tmp_path, session)


async def test_a_big_file_in_ranges(site: Site) -> None:
    """With the default settings a big file comes in as many ranges as it may have connections."""
    request = site.add(40 * MIB + 1)
    async with site.nginx() as nginx:
        await site.delivery(FetchSettings(min_free_bytes=0)).deliver(request, nginx, site.progress)
        assert [line.split('" ')[1].split()[0] for line in nginx.requests] == ["206"] * 8
    site.check(request)


async def test_many_small_files(site: Site) -> None:
    """Small files share connections that stay open, and each is asked for once."""
    request = site.add(*(KIB + number for number in range(60)))
    async with site.nginx() as nginx:
        await site.delivery().deliver(request, nginx, site.progress)
        assert len(nginx.requests) == 60
    site.check(request)


async def test_a_limit(site: Site) -> None:
    """All connections together keep to the limit."""
    request = site.add(MIB, MIB)
    delivery = site.delivery()
    delivery.set_limit(4 * MIB)
    loop = asyncio.get_running_loop()
    async with site.nginx() as nginx:
        began = loop.time()
        await delivery.deliver(request, nginx, site.progress)
    assert 0.3 < loop.time() - began < 3
    site.check(request)


async def test_nginx_is_restarted(site: Site) -> None:
    """A server that goes away and comes back is waited for, and the bytes are right."""
    request = site.add(BIG)
    delivery = site.delivery(PATIENT)
    delivery.set_limit(2 * BIG)
    async with site.nginx() as nginx:
        task = begin(delivery.deliver(request, nginx, site.progress))
        for share in (0.2, 0.5):
            await until(partial(site.beyond, share * BIG))
            await nginx.stop()
            assert not task.done()
            await nginx.start()
        await task
    assert site.progress.zeros == 0
    site.check(request)


async def test_the_bridge_is_restarted(site: Site) -> None:
    """What a cancelled delivery left is used by the next one."""
    request = site.add(BIG)
    async with site.nginx() as nginx:
        known = await site.half(request, nginx)
        await site.delivery(PATIENT).deliver(request, nginx, site.progress)
    assert known > BIG / 2
    assert site.progress.found == known
    assert site.progress.zeros == 0
    site.check(request)


async def test_one_connection_is_all_there_is(site: Site) -> None:
    """A server that answers 503 to every further connection still gives its files."""
    request = site.add(MIB, 300 * KIB)
    async with site.nginx("limit_conn all 1;") as nginx:
        await site.delivery(PATIENT).deliver(request, nginx, site.progress)
    site.check(request)


async def test_no_ranges(site: Site) -> None:
    """A server without ranges gives whole files."""
    request = site.add(MIB)
    async with site.nginx("max_ranges 0;") as nginx:
        await site.delivery().deliver(request, nginx, site.progress)
    site.check(request)


async def test_gzip_is_on(site: Site) -> None:
    """A server that would compress is asked not to."""
    request = site.add(300)
    text = b"0123456789" * 10_000
    (site.served / "0").write_bytes(text)
    request = replace(request, files=(replace(request.files[0], size=len(text)),))
    async with site.nginx("gzip on; gzip_types *; gzip_min_length 1;") as nginx:
        await site.delivery().deliver(request, nginx, site.progress)
    site.check(request)


@pytest.mark.parametrize("same", [True, False])
async def test_another_date(site: Site, same: bool) -> None:
    """A file with a new date and ETag goes on if its bytes are the same, else begins anew."""
    request = site.add(BIG)
    path = site.served / "0"
    async with site.nginx() as nginx:
        await site.half(request, nginx)
        path.write_bytes(path.read_bytes() if same else some_bytes(BIG, 9))
        os.utime(path, (1, 1))
        await site.delivery(PATIENT).deliver(request, nginx, site.progress)
    assert site.progress.zeros == (0 if same else 1)
    site.check(request)
