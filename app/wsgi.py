"""What gunicorn serves: `gunicorn --config gunicorn.conf.py wsgi:app`."""

from sms.settings import settings
from sms.web import create_app

app = create_app(settings())
