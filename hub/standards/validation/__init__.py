"""Checking a feed before it is sent: all stages in one run, every fault with its place, clause and remedy."""
