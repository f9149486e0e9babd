"""The demo: a simulated TorBox, the bridge, and a scripted *arr that uses it as Sonarr does.

The *arr's side is also what the tests speak to the bridge with.
"""
