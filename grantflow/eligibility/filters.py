"""Owns what is looked for in a pipeline, as an address says it: a filter, an order, a page.

Leaves finding to `queries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

NOT_RUN, NOT_MET, MET, DOUBLE = RESULTS = ("not_run", "not_met", "met", "double")
"""What the rules may have said of an application; a double is one that they, or the list, take for another's."""
SORTS = ("due", "number", "title", "district", "state", "asked")


@dataclass(frozen=True)
class Filter:
    """What is looked for in a pipeline. Empty means everything that was sent."""

    text: str = ""
    state: str = ""
    district: str = ""
    kind: str = ""
    award_type: str = ""
    desk: str = ""
    rules: str = ""
    sort: str = "due"
    down: bool = False
    page: int = 1

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Filter:
        """From the address of a page; whatever cannot be meant is left out."""
        page = args.get("page", "1")
        sort = args.get("sort", "due")
        return cls(
            text=" ".join(args.get("q", "").split())[:100],
            state=args.get("state", "")[:60],
            district=args.get("district", "")[:40],
            kind=args.get("kind", "") if args.get("kind") in ("new", "growing") else "",
            award_type=args.get("type", "") if args.get("type") in ("female", "social", "both") else "",
            desk=args.get("desk", "")[:20],
            rules=args.get("rules", "") if args.get("rules") in RESULTS else "",
            sort=sort if sort in SORTS else "due",
            down=args.get("order") == "down",
            page=int(page) if page.isascii() and page.isdigit() and 0 < int(page) < 10**6 else 1,
        )

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return any((self.text, self.state, self.district, self.kind, self.award_type, self.desk, self.rules))

    def args(self, **change: Any) -> dict[str, Any]:
        """The address of this filter with something changed; defaults are left out."""
        new = replace(self, **change)
        named = {
            "q": new.text, "state": new.state, "district": new.district, "kind": new.kind,
            "type": new.award_type, "desk": new.desk, "rules": new.rules, "sort": "" if new.sort == "due" else new.sort,
            "order": "down" if new.down else "",
            "page": "" if new.page == 1 else new.page,
        }  # fmt: skip
        return {name: value for name, value in named.items() if value}
