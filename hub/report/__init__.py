"""A run's summary as one HTML file: for district IT at seven in the morning, and for auditors."""

from hub.report.page import render, write

__all__ = ["render", "write"]
