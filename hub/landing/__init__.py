"""What came, verbatim: content-addressed blobs and one manifest per delivery. Nothing here is ever changed."""

from hub.landing.archives import OpenedFile, open_files
from hub.landing.deliveries import Delivery, deliveries, districts, land, origins
from hub.landing.journal import Journal, journal

__all__ = ["land", "journal", "deliveries", "districts", "origins", "open_files", "Delivery", "Journal", "OpenedFile"]
