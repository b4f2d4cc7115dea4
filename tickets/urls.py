from django.urls import path

from tickets import quality_views, readings_views, reconciliation_views, views

app_name = "tickets"
urlpatterns = [
    path("", views.ticket_list, name="list"),
    path("<int:pk>/", views.ticket, name="ticket"),
    path("readings/", readings_views.readings, name="readings"),
    path("readings/<int:pk>/", readings_views.reading, name="reading"),
    path("readings/systems/<int:pk>/", readings_views.read_now, name="read_now"),
    path("quality/", quality_views.quality, name="quality"),
    path("quality/<slug:check>/", quality_views.quality_check, name="quality_check"),
    path("reconciliation/", reconciliation_views.reconciliation, name="reconciliation"),
]
