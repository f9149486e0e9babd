"""The bridge against answers that a qBittorrent gave once: for this, none has to be installed."""

from pathlib import Path

from tests.differential.allowed import judge
from tests.differential.compare import Compared, compare
from tests.differential.player import Player
from tests.differential.recorded import Recorded, recorded
from tests.differential.run import bridge_place
from tests.differential.steps import Step, post
from tests.differential.table import TABLE

NOT_RECORDED = ("header ", "cookie ")


async def test_the_bridge_answers_as_qbittorrent_once_did(tmp_path: Path) -> None:
    """What differs from the recorded answers stands in the table as well."""
    records = recorded()
    async with bridge_place(tmp_path / "bridge") as place:
        compared = await _replay(Player(place), records)
    assert [str(value) for value in judge(compared, TABLE).surprises] == []


async def _replay(player: Player, records: list[Recorded]) -> list[Compared]:
    sessions = sorted({record.session for record in records if record.session})
    await player.play(_login(session) for session in sessions)
    steps = [record.step for record in records]
    answers = zip(records, steps, await player.play(steps), strict=True)
    compared = [
        value for record, step, ours in answers for value in compare(step, record.answer, ours)
    ]
    return [value for value in compared if not value.field.startswith(NOT_RECORDED)]


def _login(session: str) -> Step:
    return post("auth/login", username="admin", password="{password}").by(session)
