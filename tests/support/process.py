"""The bridge as a process of its own, to be killed."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 10.0
RUN = ("bridge", "run")
BRISK = ("tests.support.brisk_bridge",)
"""The same, with retries that a test can wait for."""
ROOT = Path(__file__).parents[2]
INHERITED = {
    name: text
    for name, text in os.environ.items()
    if name == "PATH" or name.startswith("COVERAGE_PROCESS_")
}
"""The rest of the developer's environment must not reach the bridge."""


class BridgeProcess:
    """`python -m bridge run` with these settings. Everything it says is kept in `output`.

    `program` is another module that runs a bridge, with its arguments.
    """

    def __init__(self, environ: Mapping[str, str], program: Sequence[str] = RUN) -> None:
        self._environ = environ
        self._program = program
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self.url = ""
        self.output: list[str] = []

    @property
    def pid(self) -> int | None:
        """The process while it runs; None when it does not."""
        if self._process is None or self._process.returncode is not None:
            return None
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._listening.clear()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self._program,
            env={**INHERITED, **self._environ, "BRIDGE_LOG__FORMAT": "json"},
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.get_running_loop().create_task(self._read(), name="read bridge")
        try:
            await asyncio.wait_for(self._listening.wait(), START_SECONDS)
        except TimeoutError:
            raise AssertionError("it does not listen:\n" + "\n".join(self.output)) from None

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            text = line.decode().rstrip()
            self.output.append(text)
            if text.startswith("{") and json.loads(text).get("event") == "listening":
                self.url = json.loads(text)["url"]
                self._listening.set()

    async def kill(self) -> None:
        """End it as kill -9 does."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """SIGTERM; answers the exit code. Fails if it takes longer than ten seconds."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        assert self._reader is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        code = await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        await self._reader
        return code


async def run_to_end(
    environ: Mapping[str, str], *arguments: str, within: float = START_SECONDS
) -> tuple[int, str, str]:
    """Run `python -m bridge …` until it ends; answers exit code, output and complaints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridge",
        *arguments,
        env={**INHERITED, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await asyncio.wait_for(process.communicate(), within)
    assert process.returncode is not None
    return process.returncode, out.decode(), errors.decode()
