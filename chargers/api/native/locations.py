"""Locations: sites that chargers stand at."""

from rest_framework import viewsets

from chargers.api.native.base import NamedSerializer, Rows
from chargers.filters import LocationFilter
from chargers.models import Location
from csms.api import LimitPages


class LocationSerializer(NamedSerializer):
    class Meta:
        model = Location
        fields = [
            "id",
            "owner",
            "name",
            "address",
            "postal_code",
            "city",
            "country",
            "latitude",
            "longitude",
            "time_zone",
        ]
        unique_for_owner = "name"


class LocationViewSet(Rows, viewsets.ModelViewSet):
    """Sites. Deleting one leaves its chargers without a location."""

    queryset = Location.objects.all()
    serializer_class = LocationSerializer
    pagination_class = LimitPages
    filterset_class = LocationFilter
