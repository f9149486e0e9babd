"""Making the files of a finished remote item appear on disk.

interface   what every delivery mode promises: `Delivery`, `DeliveryRequest`, `Links`
modes/      one module per mode: download, aria2, symlink, strm, none
fetch/      one file from the CDN: links, connections, ranges, limits, verification
disk/       staging, publishing, moving and removing, without following a symbolic link
"""

from bridge.delivery.delivery_errors import (
    DeliveryError,
    DeliveryFailed,
    NameRefused,
    NotEnoughSpace,
    NotYet,
    TargetTaken,
)
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.build_beside import (
    LinkSource,
    discard_beside,
    link_existing,
    target_exists,
)
from bridge.delivery.disk.directory_checks import (
    DirectoryProblem,
    check_directories,
    check_directory,
)
from bridge.delivery.disk.publish import remove_delivered
from bridge.delivery.disk.safe_paths import ROOTS
from bridge.delivery.fetch.bandwidth import Throttles
from bridge.delivery.fetch.cdn_probes import link_works
from bridge.delivery.fetch.fetch_settings import FetchSettings
from bridge.delivery.fetch.fetcher import make_session
from bridge.delivery.interface import Delivery, DeliveryRequest, Modes, RequestedFile
from bridge.delivery.modes.aria2_mode import Aria2Delivery, Aria2Settings
from bridge.delivery.modes.download_mode import DownloadDelivery
from bridge.delivery.modes.none_mode import NoDelivery
from bridge.delivery.modes.strm_mode import Address, StrmDelivery
from bridge.delivery.modes.symlink_mode import (
    LinkSettings,
    SymlinkDelivery,
    WebdavLogin,
    WebdavRefresh,
)

__all__ = [
    "ROOTS",
    "Address",
    "Aria2Delivery",
    "Aria2Settings",
    "Delivery",
    "DeliveryError",
    "DeliveryFailed",
    "DeliveryRequest",
    "DirectoryProblem",
    "DownloadDelivery",
    "FetchSettings",
    "LinkSettings",
    "LinkSource",
    "Modes",
    "NameRefused",
    "NoDelivery",
    "NotEnoughSpace",
    "NotYet",
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
    "discard_beside",
    "link_existing",
    "link_works",
    "make_session",
    "remove_delivered",
    "target_exists",
]
