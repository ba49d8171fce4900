"""Decides; knows nothing of HTTP or the command line."""
