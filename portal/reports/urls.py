from django.urls import path

from portal.reports import chart_views, my_views, saved_views, views

app_name = "reports"
urlpatterns = [
    path("", views.report, name="report"),
    path("entries/", views.entries, name="entries"),
    path("pivot/", views.pivot, name="pivot"),
    path("charts/", chart_views.charts, name="charts"),
    path("mine/", my_views.mine, name="mine"),
    path("filters/save/", saved_views.save, name="save_filter"),
    path("filters/<int:pk>/default/", saved_views.make_default, name="default_filter"),
    path("filters/<int:pk>/delete/", saved_views.delete, name="delete_filter"),
]
