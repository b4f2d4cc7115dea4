from django.urls import path

from outofoffice import upload_views, views

app_name = "outofoffice"
urlpatterns = [
    path("", views.index, name="index"),
    path("template/", views.template_file, name="template"),
    path("calendar/", views.calendar, name="calendar"),
    path("uploads/<int:pk>/", upload_views.upload, name="upload"),
    path("uploads/<int:pk>/progress/", upload_views.progress, name="progress"),
    path("uploads/<int:pk>/confirm/", upload_views.confirm_upload, name="confirm"),
    path("uploads/<int:pk>/repeat/", upload_views.repeat, name="repeat"),
    path("uploads/<int:pk>/stop/", upload_views.stop, name="stop"),
    path("uploads/<int:pk>/clear/", upload_views.clear, name="clear"),
    path("uploads/<int:pk>/refused/", upload_views.refused, name="refused"),
    path("uploads/<int:pk>/original/", upload_views.original, name="original"),
]
