"""What came, verbatim: content-addressed blobs and one manifest per delivery. Nothing here is ever changed."""

from hub.landing.archives import OpenedFile, open_files
from hub.landing.deliveries import Delivery, deliveries, land
from hub.landing.journal import Journal, journal

__all__ = ["land", "journal", "deliveries", "open_files", "Delivery", "Journal", "OpenedFile"]
