"""Fetching files from the CDN: requests, ranges, resume, verification."""
