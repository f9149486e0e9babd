"""A setup for the doctor: settings, a simulated TorBox and an *arr that fit together."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from bridge.config import Settings, load
from bridge.doctor import Finding, Level, examine
from bridge.doctor.findings import line
from tests.support.arr_api import ArrApi
from tests.support.rig import PASSWORD, Rig


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        assert isinstance(port, int)
        return port


PORT = free_port()


@dataclass(frozen=True, slots=True)
class World:
    """All is well in it, until a test says otherwise."""

    rig: Rig
    api: ArrApi
    environ: dict[str, str]

    async def found(self, **environ: str) -> list[Finding]:
        """Examine, with other settings where given."""
        return list(await examine(self.settings(**environ)))

    def settings(self, **environ: str) -> Settings:
        """Read the settings."""
        return load(None, self.environ | environ)

    async def wrong(self, **environ: str) -> list[Finding]:
        """Examine; answers what is not as it should be."""
        return [one for one in await self.found(**environ) if one.level is not Level.OK]

    async def one(self, **environ: str) -> Finding:
        """Examine; answers the one thing that is wrong. It says what to do."""
        found = await self.wrong(**environ)
        (finding,) = found
        assert finding.fix
        return finding

    async def told(self, **environ: str) -> str:
        """Examine; answers all lines."""
        return "\n".join(map(line, await self.found(**environ)))

    @property
    def category(self) -> Path:
        """The directory of the *arr's category."""
        return self.rig.downloads / self.api.kind.category


@asynccontextmanager
async def world(directory: Path, app: str = "sonarr", **entry: object) -> AsyncIterator[World]:
    """Run a TorBox and an *arr; the bridge itself need not run to be examined."""
    rig = Rig(directory)
    rig.downloads.mkdir()
    await rig.sim.start()
    try:
        async with ArrApi(app) as api:
            api.use_client(port=PORT)
            yield _made(rig, api, PORT, entry)
    finally:
        await rig.sim.stop()


@asynccontextmanager
async def running_world(directory: Path, app: str = "sonarr") -> AsyncIterator[World]:
    """Run the bridge as well; the *arr has its address and its password."""
    rig = Rig(directory)
    await rig.open()
    try:
        port = URL(rig.url).port or 0
        async with ArrApi(app) as api:
            api.use_client(host="127.0.0.1", port=port, password=PASSWORD)
            yield _made(rig, api, port, {})
    finally:
        await rig.close()


def _made(rig: Rig, api: ArrApi, port: int, entry: dict[str, object]) -> World:
    environ = {
        "BRIDGE_SERVER__PORT": str(port),
        "BRIDGE_ARR": json.dumps([api.settings(**entry)]),
    }
    made = World(rig, api, rig.environ | environ)
    made.category.mkdir(exist_ok=True)
    api.sees = [str(rig.downloads), str(made.category)]
    return made
