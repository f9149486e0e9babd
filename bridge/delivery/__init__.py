"""Making a finished remote item appear on disk.

base        what a delivery promises: `Delivery`, `DeliveryRequest`, `Links`, `Delivered`
errors      the tree of what can go wrong
modes       the delivery of each mode
download    the mode that fetches the bytes and publishes them with one rename
fetch       one file from the CDN: links, patience, turns
attempt     what is missing of a file, over several connections
connection  one request to the CDN, with a limit on every wait
sample      whether a file with another ETag is the same file
verify      whether the staged bytes are the torrent's, piece by piece
aria2       the mode that has an aria2 daemon fetch the bytes (aria2_rpc, aria2_files)
sink        what arrives goes to disk, and the checkpoint follows
answers     whether an answer of the CDN is the file that was asked for
staging     half-fetched files and their checkpoints, truthful after any crash
ranges      which bytes of a file are known
publish     from staging to the save path, and away again
symlink     the mode that links to the user's mount of TorBox
mount       asking a mount that may hang
mounted     where on a mount a file is
webdav      asking TorBox's WebDAV server for a new listing
strm        the mode that writes a URL for each video
none        the mode that leaves everything at TorBox
small       publishing what takes no time to build
share       the same files at another place, as hard links
orphans     what half-done deliveries have left
relocate    delivered content under other names, at another place, or gone
layout      names made of an order, checked once more
turns       who may fetch next, fairly
throttle    bytes per second: one limit for everything, one for each download
progress    counters that the engine reads
settings    limits and patience
directories whether the directories can be used, and how to mend them
disk        errors of the disk, and names that survive a power loss
tasks       threads that are not left behind, groups of tasks
"""

from bridge.delivery.aria2 import Aria2Delivery, Aria2Settings
from bridge.delivery.base import Delivered, Delivery, DeliveryRequest, Links, RequestedFile
from bridge.delivery.directories import Problem, check_directories, check_directory
from bridge.delivery.download import DownloadDelivery
from bridge.delivery.errors import (
    DeliveryError,
    DeliveryFailed,
    NotEnoughSpace,
    NotYet,
    TargetTaken,
)
from bridge.delivery.fetch import make_session
from bridge.delivery.modes import Modes
from bridge.delivery.none import NoDelivery
from bridge.delivery.progress import Progress
from bridge.delivery.publish import remove_delivered
from bridge.delivery.settings import FetchSettings
from bridge.delivery.share import LinkSource, link_existing, target_exists
from bridge.delivery.small import sweep
from bridge.delivery.strm import Address, StrmDelivery
from bridge.delivery.symlink import LinkSettings, SymlinkDelivery
from bridge.delivery.throttle import Throttles
from bridge.delivery.webdav import WebdavLogin, WebdavRefresh

__all__ = [
    "Address",
    "Aria2Delivery",
    "Aria2Settings",
    "Delivered",
    "Delivery",
    "DeliveryError",
    "DeliveryFailed",
    "DeliveryRequest",
    "DownloadDelivery",
    "FetchSettings",
    "LinkSettings",
    "LinkSource",
    "Links",
    "Modes",
    "NoDelivery",
    "NotEnoughSpace",
    "NotYet",
    "Problem",
    "Progress",
    "RequestedFile",
    "StrmDelivery",
    "SymlinkDelivery",
    "TargetTaken",
    "Throttles",
    "WebdavLogin",
    "WebdavRefresh",
    "check_directories",
    "check_directory",
    "link_existing",
    "make_session",
    "remove_delivered",
    "sweep",
    "target_exists",
]
