"""The blueprint of scoring's pages, and the filters its templates use: points, and names in the reader's
language."""

from __future__ import annotations

from flask import Blueprint

from grantflow.rendering import language
from grantflow.scoring.ranking import points_of

bp = Blueprint("scoring", __name__)
bp.add_app_template_filter(points_of, "points")
bp.add_app_template_filter(lambda named: named.name_in(language()), "named")
