"""HTTP doors to chargers, by dialect."""

from django.urls import include, path

from chargers.api import native

urlpatterns = [
    path("api/v1/", include(native.router.urls)),
    path("", include("chargers.api.solar.urls")),
]
