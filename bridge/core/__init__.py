"""What a download is: values and pure decisions. No clock, no sockets, no disk."""
