"""What SolarUser's views of chargers share: whose chargers they are, and which of them a token may reach."""

from chargers.models import Charger
from csms import solar, solar_filters
from tokens import solar as tokens


class ChargersView(tokens.View):
    """A view of what belongs to chargers. A token with a node policy sees those nodes' chargers only."""

    def account_rows(self, model):
        """Return the account's rows of `model`, which has no charger, or whatever its charger's node."""
        return super().own(model)

    def own(self, model):
        rows = self.account_rows(model)
        if not self.policy.node_ids:
            return rows
        node = "node_id__in" if model is Charger else "charger__node_id__in"
        return rows.filter(**{node: self.policy.node_ids})

    def chargers(self):
        """Return the account's chargers."""
        return self.own(Charger).alive()

    def of_chargers(self, model):
        """Return the account's rows of `model`, leaving out those of chargers that were deleted."""
        return self.own(model).filter(charger__deleted_at=None)

    def charger_named(self, number):
        """Return the charger that a body names, locked; UnknownObject where the caller has none such.

        Two saves of what belongs to it, one of which creates what somebody deletes meanwhile, take turns.
        """
        charger = self.chargers().select_for_update(of=("self",), no_key=True).filter(pk=number).first()
        if charger is None:
            raise solar.UnknownObject
        return charger

    def chosen(self, rows, *, charger="charger__"):
        """Narrow `rows` to the chargers that `chargePointId(s)` and `identifier(s)` name."""
        if (numbers := solar_filters.numbers(self.request, "chargePointId")) is not None:
            rows = rows.filter(**{f"{charger}id__among": numbers})
        if (identifiers := solar_filters.texts(self.request, "identifier")) is not None:
            rows = rows.filter(**{f"{charger}identifier__among": identifiers})
        return rows


CHARGER_QUERY = ["chargePointId", "chargePointIds", "identifier", "identifiers"]
PAGE_QUERY = ["max", "offset"]
TIME_QUERY = ["startDate", "endDate"]
