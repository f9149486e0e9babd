"""Everything TorBox says no with. A refusal is a value; the texts are TorBox's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """An envelope that is not a success, mostly. Lists that are empty are told with success:true."""

    status: int
    code: str | None
    detail: str
    data: object = None
    success: bool = False


NO_AUTH = Refusal(403, "NO_AUTH", "Please provide a valid API token.")
BAD_TOKEN = Refusal(
    403,
    "BAD_TOKEN",
    "Your token is invalid or has expired. Please log in again or reset your token.",
)
ENDPOINT_NOT_FOUND = Refusal(
    404, "ENDPOINT_NOT_FOUND", "Endpoint not found. Please check the URL and try again."
)
DATABASE_ERROR = Refusal(
    500, "DATABASE_ERROR", "There was an error processing your request. Please try again later."
)
NO_TORRENTS = Refusal(404, "ITEM_NOT_FOUND", "No torrents found for this user.", success=True)
NO_QUEUED = Refusal(
    404,
    "ITEM_NOT_FOUND",
    "No queued downloads found for this user of this type.",
    data=[],
    success=True,
)
TORRENT_NOT_FOUND = Refusal(404, "ITEM_NOT_FOUND", "Torrent not found.")
QUEUED_NOT_FOUND = Refusal(404, "ITEM_NOT_FOUND", "Queued download not found.")
NOT_OWNER = Refusal(409, "NOT_OWNER", "You are not the owner of this torrent.")
EDIT_NOT_OWNER = Refusal(
    409, "NOT_OWNER", "Item not found or you do not have permission to edit this item."
)
NO_SOURCE = Refusal(
    400, "MISSING_REQUIRED_OPTION", "You must provide either a file or magnet link."
)
TWO_SOURCES = Refusal(
    400, "TOO_MANY_OPTIONS", "You must provide either a file or magnet link, not both."
)
BAD_FILE = Refusal(
    400, "BOZO_TORRENT", "Torrent file is not valid. Please provide a valid torrent file."
)
BAD_MAGNET = Refusal(400, "BOZO_TORRENT", "Invalid Magnet Link. Please try again.")
BAD_TORRENT = Refusal(500, "BOZO_TORRENT", "Invalid torrent. Please try again.")
NO_METADATA = Refusal(
    500,
    "DOWNLOAD_SERVER_ERROR",
    "Could not download full metadata for the torrent within the alloted timeout.",
)
FILE_TOO_LARGE = Refusal(
    400,
    "TOO_MUCH_DATA",
    "Torrent file is too large. Please provide a torrent file smaller than 100MB.",
)
NOT_CACHED = Refusal(
    400,
    "DOWNLOAD_NOT_CACHED",
    "Torrent not found in cache. Disable the add only if cached parameter to add the download.",
)
DUPLICATE_ACTIVE = Refusal(400, "DUPLICATE_ITEM", "This item already exists.")
DUPLICATE_QUEUED = Refusal(400, "DUPLICATE_ITEM", "Download already queued.")
QUEUED_REFUSED = Refusal(200, None, "Torrent Queued Successfully")
PRIVATE_DISABLED = Refusal(400, None, "Private torrent downloading is currently disabled.")
NO_TORRENT_ID = Refusal(400, "MISSING_REQUIRED_OPTION", "You must provide a torrent ID.")
NO_QUEUED_ID = Refusal(400, "MISSING_REQUIRED_OPTION", "You must provide a queued ID.")
BAD_OPERATION = Refusal(
    400,
    "INVALID_OPTION",
    "Invalid operation. Please use one of the following:"
    " 'reannounce', 'delete', 'resume' or 'stop_seeding'.",
)
BAD_QUEUE_OPERATION = Refusal(
    400,
    "INVALID_OPTION",
    "Invalid operation. Please use one of the following: 'start' or 'delete'.",
)
BAD_FORMAT = Refusal(
    400, "INVALID_OPTION", "Invalid format. Please use one of the following: 'object' or 'list'."
)
BAD_EXPORT = Refusal(
    400, "INVALID_OPTION", "Invalid type. Please use one of the following: 'magnet' or 'file'."
)
CACHED_EXPORT = Refusal(
    400, "INVALID_OPTION", "Exporting torrent data does not work for cached downloads."
)
NO_FILE = Refusal(404, "ITEM_NOT_FOUND", "File not found.")
NOT_READY = Refusal(
    500, "DATABASE_ERROR", "There was an error processing your request. Please try again later."
)
NO_CHANGES = Refusal(400, "NO_CHANGES", "No changes were made.")
NAME_TOO_LONG = Refusal(500, "NAME_TOO_LONG", "The name is too long.")
NAME_TOO_SHORT = Refusal(400, "NAME_TOO_SHORT", "The name is too short.")


def too_large(max_bytes: int) -> Refusal:
    """The plan does not allow a torrent of this size."""
    return Refusal(
        400,
        "DOWNLOAD_TOO_LARGE",
        f"Your torrent could not be added because it is larger than {max_bytes // (1 << 30)} GB."
        " Please upgrade your plan to add larger torrents.",
    )


def active_limit(slots: int, active: int, *, old: bool = False) -> Refusal:
    """All slots are busy. `old`: said as 200 without a code."""
    return Refusal(
        200 if old else 400,
        None if old else "ACTIVE_LIMIT",
        f"You have reached your active download limit of {slots}."
        " Please upgrade your plan to add more torrents.",
        {"active_limit": slots, "current_active_downloads": active},
    )


def start_limit(slots: int) -> Refusal:
    """A queued item cannot be started by hand: all slots are busy. A 500 at TorBox."""
    return Refusal(
        500,
        "ACTIVE_LIMIT",
        f"You have reached your active download limit of {slots}. Please upgrade your plan.",
    )


def queue_full(limit: int) -> Refusal:
    """The queue holds as many as it may."""
    return Refusal(
        400,
        "DIFF_ISSUE",
        f"You have reached the maximum queued downloads limit of {limit}."
        " Please wait for some downloads to start before adding more to the queue.",
    )


def monthly_limit(limit: int, used: int) -> Refusal:
    """The plan's number of downloads for this month is used up."""
    return Refusal(
        400,
        "MONTHLY_LIMIT",
        "You have reached your monthly download limit."
        " Please upgrade your plan to add more torrents.",
        {"monthly_limit": limit, "current_downloads": used},
    )


def cooldown(until: str, now: str) -> Refusal:
    """The plan asks for a pause between adds."""
    return Refusal(
        400,
        "COOLDOWN_LIMIT",
        f"You have a cooldown until {until}. Please wait or upgrade your plan.",
        {"cooldown_until": until, "current_time": now},
    )
