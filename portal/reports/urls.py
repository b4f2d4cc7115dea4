from django.urls import path

from portal.reports import chart_views, my_views, views, without_time_views

app_name = "reports"
urlpatterns = [
    path("", views.report, name="report"),
    path("entries/", views.entries, name="entries"),
    path("pivot/", views.pivot, name="pivot"),
    path("charts/", chart_views.charts, name="charts"),
    path("mine/", my_views.mine, name="mine"),
    path("without-time/", without_time_views.without_time, name="without_time"),
]
