"""The application for a WSGI server: `gunicorn wsgi:app`.

Owns nothing but the name `app`; everything else is `grantflow.create_app`'s.
"""

import gc

from grantflow import create_app
from grantflow.demo.command import demo_facts

app = create_app()
demo_facts(app)  # a demo says on every page that it is one, whoever serves it
gc.freeze()  # a full look for garbage passes over what stays: it would hold a request for a seventh of a second
