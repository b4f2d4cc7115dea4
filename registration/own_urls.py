from django.urls import path

from registration import own_views

app_name = "own_registration"
urlpatterns = [
    path("", own_views.own, name="own"),
    path("register/", own_views.register, name="register"),
    path("update/", own_views.update, name="update"),
    path("deregister/", own_views.deregister, name="deregister"),
]
