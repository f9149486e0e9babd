"""Notifications: what happened, told to Apprise, Discord, ntfy or any webhook.

messages   what is told, and when: pure
formats    a message as each kind of receiver wants it: pure
notifier   sends, and tries again
"""

from bridge.notify.formats import Receiver
from bridge.notify.messages import EVENTS, Message
from bridge.notify.notifier import Notifier, NotSent

__all__ = ["EVENTS", "Message", "NotSent", "Notifier", "Receiver"]
