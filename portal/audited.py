"""Accounts, roles and permissions: their changes stand in the audit log. A password has a row of its own."""

from django.contrib.auth.models import Group, User

from audit.watching import watch

watch(User, ignored=("password", "last_login"), links=("groups", "user_permissions"))
watch(Group, links=("permissions",))
