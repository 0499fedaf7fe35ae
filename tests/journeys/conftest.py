"""What the journeys share: a browser, a house with its server, and people at their desks."""

from __future__ import annotations

from tests.browser import at_desk, browser, house

__all__ = ["at_desk", "browser", "house"]
