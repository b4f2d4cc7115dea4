from django.urls import path

from tickets import outbox_views, quality_views, readings_views, reconciliation_views, views

app_name = "tickets"
urlpatterns = [
    path("", views.ticket_list, name="list"),
    path("<int:pk>/", views.ticket, name="ticket"),
    path("<int:pk>/note/", outbox_views.add_note, name="add_note"),
    path("new/", outbox_views.choose_customer, name="choose_customer"),
    path("new/<int:pk>/", outbox_views.new_ticket, name="new_ticket"),
    path("written/", outbox_views.outbox, name="outbox"),
    path("written/<int:pk>/", outbox_views.written, name="written"),
    path("written/<int:pk>/again/", outbox_views.write_again, name="write_again"),
    path("readings/", readings_views.readings, name="readings"),
    path("readings/<int:pk>/", readings_views.reading, name="reading"),
    path("readings/<int:pk>/stop/", readings_views.stop, name="stop_reading"),
    path("readings/systems/<int:pk>/", readings_views.read_now, name="read_now"),
    path("readings/systems/<int:pk>/losses/", readings_views.accept_losses, name="accept_losses"),
    path("quality/", quality_views.quality, name="quality"),
    path("quality/<slug:check>/", quality_views.quality_check, name="quality_check"),
    path("reconciliation/", reconciliation_views.reconciliation, name="reconciliation"),
]
