"""Every HTTP door, in one place. Those of APIs open with and without a trailing slash."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from chargers.api import native as chargers
from csms import health
from csms.index import Unknown, index_of
from tokens.api import native as tokens

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    re_path(r"^readyz/?$", health.readyz, name="readyz"),
    re_path(r"^metrics/?$", health.metrics_page, name="metrics"),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api/v1/?$", index_of(chargers.router, tokens.router), name="index"),
    path("api/v1/", include(tokens.router.urls)),
    path("", include("chargers.urls")),
    re_path(r"^api/v1(/|$)", Unknown.as_view()),
    path("admin/", admin.site.urls),
]
