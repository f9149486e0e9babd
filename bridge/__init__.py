"""A bridge between the *arr applications and TorBox, in the shape of a qBittorrent server."""
