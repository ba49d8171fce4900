"""Speaks HTTP and the command line; decides nothing."""
