"""The blueprint of people's pages. Its views stand in `views` (oneself), `staff` (people and roles) and
`bodies`.
"""

from flask import Blueprint

bp = Blueprint("identity", __name__)
