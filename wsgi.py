"""The application for a WSGI server: `gunicorn wsgi:app`.

Owns nothing but the name `app`; everything else is `grantflow.create_app`'s.
"""

from grantflow import create_app
from grantflow.demo.command import demo_facts

app = create_app()
demo_facts(app)  # a demo says on every page that it is one, whoever serves it
