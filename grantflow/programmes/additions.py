"""Where later stages add their section to the page of a programme, such as its sums, or to a call's for staff.

Each says itself who may see it; the page shows them in order, before the calls.
"""

from __future__ import annotations

from grantflow.cases.parts import Part as Part
from grantflow.cases.parts import Parts

_parts = Parts()
programme_part, parts_of = _parts.add, _parts.of
_of_calls = Parts()
call_part, parts_of_call = _of_calls.add, _of_calls.of
