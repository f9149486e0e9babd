"""Notifications to Apprise, Discord, ntfy or any webhook.

messages   decides which changes become messages, in the format of each kind of receiver: pure
notifier   sends messages, with retries
"""

from bridge.notify.messages import EVENTS, Message
from bridge.notify.notifier import Notifier, NotSent

__all__ = ["EVENTS", "Message", "NotSent", "Notifier"]
