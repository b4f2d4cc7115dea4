"""What the set-up pages of all apps share."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Rows that the portal writes itself: to be looked at, never changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LocksWhatItChanges(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Of two who save the same row at once the second reads what the first has written, see ``SeenModelForm``."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST":
            row = self.model._base_manager.filter(pk=found.pk).order_by()  # an order may join what cannot be locked
            list(row.select_for_update(no_key=True).values_list("pk"))
            found.refresh_from_db()
        return found
