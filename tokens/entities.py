"""Lists and rows of an account, saved, shown and deleted in SolarNetwork's manner.

A save creates without `id` and updates with it; it replaces the row as a whole, so that what a body
leaves out becomes empty.
"""

from django.db import IntegrityError, transaction
from rest_framework.permissions import SAFE_METHODS

from csms import solar
from csms.parsers import Parser
from tokens.solar import View


class Entities(View):
    """GET lists the caller's rows of `model` as `entity`; POST saves one. Two may not share `unique`."""

    parser_classes = (Parser,)
    may_create = True
    methods_beyond_nodes = SAFE_METHODS
    model = entity = None
    unique = ""

    def __init_subclass__(cls):
        cls.answers = {"get": [cls.entity], "post": cls.entity}
        cls.bodies = {"post": cls.entity}

    def get(self, request):
        """List them, by id."""
        return solar.answer(self.entity(self.rows().order_by("pk"), many=True).data)

    def post(self, request):
        """Create, or update what `id` names."""
        solar.check_account(request.data, self.account)
        entity = self.entity(data=request.data)
        entity.is_valid(raise_exception=True)
        values = entity.validated_data
        number = values.pop("id", None)
        values = self.prepared(values, is_new=number is None)
        try:
            with transaction.atomic():
                row = self.model(owner=self.account) if number is None else self._existing(number)
                self.save(row, values)
        except IntegrityError:
            raise solar.Duplicate(self.unique) from None
        return solar.answer(self.shown(row), status=201 if number is None else 200)

    def rows(self):
        """Return the rows that there are for the caller."""
        return self.own(self.model)

    def _existing(self, number):
        row = self.rows().select_for_update(of=("self",)).filter(pk=number).first()
        if row is None:
            raise solar.UnknownObject
        return row

    def prepared(self, values, *, is_new):
        """Return the attributes to be written; here is the place for what takes long."""
        return values

    def save(self, row, values):
        """Write `values` to `row`, which may be new; its other attributes stay as they are."""
        for name, value in values.items():
            setattr(row, name, value)
        row.save(**({} if row.pk is None else {"update_fields": list(values)}))

    def shown(self, row):
        """Return the row as the answer to a save shows it."""
        return self.entity(row).data


class One(View):
    """GET shows the row that the path's `{id}` names, DELETE removes it; it stands in the list `of`."""

    of = None

    def __init_subclass__(cls):
        cls.answers = {"get": cls.of.entity, "delete": None}
        cls.methods_beyond_nodes = cls.of.methods_beyond_nodes

    def get(self, request, **path):
        """Show one of them."""
        return solar.answer(self.of.entity(self.find(**path)).data)

    def delete(self, request, **path):
        """Delete one of them."""
        with transaction.atomic():
            self.remove(self.find(**path))
        return solar.answer()

    def rows(self):
        """Return the rows that there are for the caller."""
        return self.own(self.of.model)

    def find(self, id):  # noqa: A002  as the path has it
        """Return the row; Absent where the caller has none such."""
        row = self.rows().filter(pk=solar.number(id)).first()
        if row is None:
            raise solar.Absent
        return row

    def remove(self, row):
        row.delete()
