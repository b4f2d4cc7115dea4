"""Found like those of the other apps: here it is signing in and out that is listened to."""

from audit.sign_ins import connect

connect()
