"""The native API's first page: which lists there are, and who asks."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView


def index_of(*routers):
    """Return a view that lists the routes of `routers`; it asks the database nothing of its own."""
    names = {
        prefix: f"{name}-list"
        for router in routers
        for prefix, _, name in router.registry
        if "(" not in prefix
    }

    class Index(APIView):
        """The lists of this API by name."""

        @extend_schema(
            operation_id="index",
            responses=inline_serializer(
                "Index", {prefix.replace("-", "_"): serializers.URLField() for prefix in names}
            ),
        )
        def get(self, request):
            return Response(
                {prefix.replace("-", "_"): reverse(name, request=request) for prefix, name in names.items()}
            )

    return Index.as_view()


@extend_schema(exclude=True)
class Unknown(APIView):
    """Whatever else is asked for below /api/v1/: a problem document, not a page."""

    authentication_classes = ()
    permission_classes = ()

    def initial(self, request, *args, **kwargs):
        raise NotFound
