from django.urls import URLPattern, path

from registration import endpoint_views, system_views

app_name = "registration"
urlpatterns: list[URLPattern] = [
    path("otrs/public.pl", endpoint_views.endpoint, name="endpoint"),  # where the client of OTRS looks, below the host
    path("registration/public.pl", endpoint_views.endpoint, name="endpoint_own"),
    path("registration/", system_views.systems, name="systems"),
    path("registration/<int:pk>/", system_views.system, name="system"),
    path("registration/<int:pk>/texts/", system_views.texts, name="texts"),
    path("registration/<int:pk>/retire/", system_views.retire, name="retire"),
]
