"""The local disk: staging, publishing, moving, and paths that follow no links."""
