from django.urls import path

from billing import discrepancy_views, run_views, views

app_name = "billing"
urlpatterns = [
    path("", views.order_list, name="orders"),
    path("<int:pk>/", views.order, name="order"),
    path("approve/", views.approve, name="approve"),
    path("export/", views.export, name="export"),
    path("left-out/", views.left_out_list, name="left_out"),
    path("discrepancies/", discrepancy_views.discrepancy_list, name="discrepancies"),
    path("runs/", run_views.run_list, name="runs"),
    path("runs/start/", run_views.start, name="start"),
    path("runs/<int:pk>/", run_views.run, name="run"),
    path("runs/<int:pk>/progress/", run_views.progress, name="run_progress"),
]
