"""The domain: values and pure decisions. No clock, no sockets, no disk."""
