"""Vendors' folders: their grammar, their contract, and a new one made from a sample."""
