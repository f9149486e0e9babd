"""The delivery modes, a module each, and the helpers of single modes."""
