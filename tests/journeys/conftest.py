"""What the journeys share: a house with its server, and people at their desks."""

from __future__ import annotations

from tests.browser import at_desk, house

__all__ = ["at_desk", "house"]
