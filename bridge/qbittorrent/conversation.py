"""What one client of `sync/maindata` was told, and what it shall be told next. Pure.

The rules are those of qBittorrent 4.5. A client sends the number (`rid`) of the last answer that it
took in. That is a diff from what that answer showed, and the answers before it may be forgotten.
When an answer was lost, the client sends the older number again and is told all that has changed
since then. Any other number gets everything.
"""

from collections import OrderedDict

from bridge.access import Visitor
from bridge.qbittorrent.maindata import MainData, Picture, difference, full_update

MAX_RID = 1_000_000
MAX_CONVERSATIONS = 64
"""Beyond, the client that has been silent longest is forgotten and gets a full update."""


class Conversation:
    """Remembers two pictures: the one sent last, and the one that the client has taken in."""

    def __init__(self) -> None:
        self._sent_id = 0
        self._sent: Picture | None = None
        self._taken_id = 0
        self._taken: Picture | None = None

    def answer(self, rid: int, now: Picture, *, restarts: bool) -> MainData:
        """Answer a client that has taken in `rid`; 0 is nothing yet.

        `restarts`: then the numbers begin again at 1, as 4.x has it.
        """
        if rid > 0 and rid == self._sent_id:
            self._taken_id, self._taken = self._sent_id, self._sent
        known = self._taken if rid > 0 and rid == self._taken_id else None
        if known is None:
            self._taken_id, self._taken = 0, None
        if rid <= 0 and restarts:
            self._sent_id = 0
        self._sent_id, self._sent = self._sent_id % MAX_RID + 1, now
        if known is None:
            return full_update(now, self._sent_id)
        return difference(known, now, self._sent_id)


class Conversations:
    """The conversations with all clients, by session."""

    def __init__(self) -> None:
        self._by_visitor: OrderedDict[str, Conversation] = OrderedDict()

    def answer(self, visitor: Visitor, rid: int, now: Picture) -> MainData:
        """Answer a client.

        An API key may have several users. For them the numbers never begin again, or two would take
        each other's answers for their own.
        """
        conversation = self._by_visitor.setdefault(visitor.name, Conversation())
        self._by_visitor.move_to_end(visitor.name)
        if len(self._by_visitor) > MAX_CONVERSATIONS:
            self._by_visitor.popitem(last=False)
        return conversation.answer(rid, now, restarts=not visitor.by_key)
