"""Accepts text messages over HTTP, keeps them in MongoDB and sends them with Celery."""
