"""Where later stages add their section to the page of an application: the check, the marks, the grant.

Each says itself who may see it; the page shows them in the order of a grant's life.
"""

from __future__ import annotations

from grantflow.cases.parts import Part as Part
from grantflow.cases.parts import Parts

_parts = Parts()
application_part, parts_of = _parts.add, _parts.of
