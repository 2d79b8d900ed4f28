"""HTTP doors to chargers, by dialect."""

from django.urls import include, path

from chargers.api import native
from chargers.api.solar import query

urlpatterns = [
    path("api/v1/", include(native.router.urls)),
    *query.routes(),
]
