"""The scripts that a page loads, kept as package data in `dist/`."""
