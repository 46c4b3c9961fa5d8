"""What came, verbatim: content-addressed blobs and one manifest per delivery. Nothing here is ever changed."""

from hub.landing.archives import OpenedFile, open_files
from hub.landing.blobs import Incoming
from hub.landing.deliveries import Delivery, deliveries, land

__all__ = ["land", "deliveries", "open_files", "Delivery", "OpenedFile", "Incoming"]
