"""What spans the apps: settings, urls, background work, accounts, the commands that run the whole."""

from portal.celery import app

app.set_default()  # otherwise the web server's threads would send tasks to an app without configuration
