"""The application as gunicorn serves it to the benchmark of submissions: on a day on which the call is open.

Owns nothing but `app`, and the day.
"""

from grantflow import clock, create_app
from tests.concurrency.real import OPEN_DAY

clock.travel(OPEN_DAY)
app = create_app()
