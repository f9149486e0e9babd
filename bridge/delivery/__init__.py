"""Making a finished remote item appear on disk.

base        what a delivery promises: `Delivery`, `Order`, `Links`, `Delivered`
errors      the tree of what can go wrong
download    the mode that fetches the bytes and publishes them with one rename
fetch       one file from the CDN: links, patience, turns
attempt     what is missing of a file, over several connections
sink        what arrives goes to disk, and the checkpoint follows
answers     whether an answer of the CDN is the file that was asked for
staging     half-fetched files and their checkpoints, truthful after any crash
ranges      which bytes of a file are known
publish     from staging to the save path, and away again
layout      names made of an order, checked once more
turns       who may fetch next, fairly
throttle    one limit of bytes per second for everything
progress    counters that the engine reads
settings    limits and patience
directories whether the directories can be used, and how to mend them
disk        errors of the disk, and names that survive a power loss
tasks       threads that are not left behind, groups of tasks
"""

from bridge.delivery.base import Delivered, Delivery, Links, Order
from bridge.delivery.directories import Problem, check_directories
from bridge.delivery.download import DownloadDelivery
from bridge.delivery.errors import DeliveryError, DeliveryFailed, NotEnoughSpace, TargetTaken
from bridge.delivery.fetch import make_session
from bridge.delivery.progress import Progress
from bridge.delivery.publish import remove_delivered
from bridge.delivery.settings import FetchSettings

__all__ = [
    "Delivered",
    "Delivery",
    "DeliveryError",
    "DeliveryFailed",
    "DownloadDelivery",
    "FetchSettings",
    "Links",
    "NotEnoughSpace",
    "Order",
    "Problem",
    "Progress",
    "TargetTaken",
    "check_directories",
    "make_session",
    "remove_delivered",
]
