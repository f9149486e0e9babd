"""A bridge between the *arr applications and TorBox that looks like a qBittorrent server."""

__version__ = "0.1.0"
USER_AGENT = f"torbox-bridge/{__version__}"
