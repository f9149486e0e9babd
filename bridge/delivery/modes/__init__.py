"""One module for each delivery mode, and what only that mode needs."""
