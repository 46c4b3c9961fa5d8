"""The hub: one unified student record store out of every system a district runs."""

__version__ = "0.1.0"
