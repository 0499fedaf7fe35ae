"""The application for a WSGI server: `gunicorn wsgi:app`.

Owns nothing but the name `app`; everything else is `grantflow.create_app`'s.
"""

from grantflow import create_app

app = create_app()
