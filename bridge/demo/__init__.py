"""The command `demo`: the life of two downloads, and samples to play with."""

from bridge.demo.command import add_arguments, run

__all__ = ["add_arguments", "run"]
