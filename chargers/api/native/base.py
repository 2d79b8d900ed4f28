"""What the nouns of this dialect share: relations, the order of lists, uniqueness, conflicts."""

import math

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import APIException

from chargers.models import Charger
from csms import newest
from csms.api import CursorPages, OwnedRows, OwnedSerializer


class Conflict(APIException):
    """The request was understood, and the state of things forbids it."""

    status_code = 409
    default_code = "conflict"
    default_detail = "The state of the object does not allow this."


LONGEST_WAIT = 60


class WaitField(serializers.FloatField):
    """How many seconds the caller waits for the charger's answer."""

    def __init__(self, default=0, help_text="Seconds to wait for the charger's answer."):
        super().__init__(
            required=False, default=default, min_value=0, max_value=LONGEST_WAIT, help_text=help_text
        )

    def to_internal_value(self, data):
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class Order(serializers.Serializer):
    """What a caller wants done: whoever misspells a member hears of it, and nothing is done without it."""

    def to_internal_value(self, data):
        unknown = sorted(set(map(str, data)) - self.fields.keys()) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError({name: ["There is no such member."] for name in unknown[:20]})
        return super().to_internal_value(data)


class Rows(OwnedRows):
    """A viewset over rows that the caller may see; `{id}` is our number."""

    lookup_value_regex = "[0-9]{1,18}"


class RowsOfCharger(Rows, mixins.ListModelMixin, viewsets.GenericViewSet):
    """What belongs to one charger, below chargers/{charger_id}/; a stranger's charger does not exist."""

    def get_queryset(self):
        return super().get_queryset().filter(charger=self.kwargs.get("charger_id"))

    def list(self, request, charger_id):
        self.get_charger()
        return super().list(request)

    def get_charger(self):
        # With its presence, which sending needs: the hot path has no other query before the insert.
        chargers = Charger.objects.alive().select_related("presence__process")
        return get_object_or_404(chargers.owned_by(self.request.user), pk=self.kwargs["charger_id"])


class OldestFirst(CursorPages):
    ordering = "id"


class TimeSeriesPages(CursorPages):
    """Newest first: by the series' own time where the filter leads to an index on it, else by arrival.

    By arrival only the newest rows are looked at: an owner with few rows, or a rare value, would
    otherwise have the database read all of the series. Pages end there; a cursor stays right, since
    the bound only moves up.
    """

    def paginate_queryset(self, queryset, request, view=None):
        if not self._is_indexed(request, view):
            queryset = newest.of(queryset)
        return super().paginate_queryset(queryset, request, view)

    def get_ordering(self, request, queryset, view):
        return (f"-{view.time_field}", "-id") if self._is_indexed(request, view) else ("-id",)

    @staticmethod
    def _is_indexed(request, view):
        return any(request.query_params.get(name) for name in view.indexed_with)


class OwnedRelatedField(serializers.PrimaryKeyRelatedField):
    """A relation by number; a row that the caller may not see does not exist."""

    def get_queryset(self):
        return super().get_queryset().owned_by(self.context["request"].user)


class NamedSerializer(OwnedSerializer):
    """A row with something unique among its owner's rows: `Meta.unique_for_owner` names the field."""

    def get_validators(self):
        # Those made from constraints know nothing of an owner that was left out.
        return []

    def validate(self, attrs):
        attrs = super().validate(attrs)
        field = self.Meta.unique_for_owner
        if field in attrs:
            same = self.rivals(self.owner_of(attrs)).filter(**{field: attrs[field]})
            if same.exclude(pk=self.instance and self.instance.pk).exists():
                raise self._taken()
        return attrs

    def owner_of(self, attrs):
        """Return the owner that the row has or will have."""
        return attrs["owner"] if self.instance is None else self.instance.owner

    def rivals(self, owner):
        """Return the rows among which the field is unique."""
        return self.Meta.model.objects.filter(owner=owner)

    def save(self, **kwargs):
        """Save; of two requests that race for one name, the second is refused like a late one."""
        try:
            with transaction.atomic():
                return super().save(**kwargs)
        except IntegrityError:
            raise self._taken() from None

    def _taken(self):
        field = self.Meta.unique_for_owner
        return serializers.ValidationError({field: [f"This owner has one with this {field} already."]})
