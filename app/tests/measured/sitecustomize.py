"""Python runs this before the web, while coverage is measured.

granian's threads are not Python's own, so coverage.py does not trace them by itself.
"""

import sys
import threading

if sys.orig_argv[1:] == ["-m", "sms.serve"]:
    from flask import Flask

    untraced = Flask.wsgi_app

    def traced(*args):
        if sys.gettrace() is None:
            sys.settrace(threading.gettrace())
        return untraced(*args)

    Flask.wsgi_app = traced
