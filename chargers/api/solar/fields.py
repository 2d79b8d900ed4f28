"""What a request to SolarUser's instructions says: in a form, in JSON, or in the query alone."""

import json
import re

from django.http import QueryDict

from csms import solar, solar_filters

_PARAMETER = re.compile(r"parameters\[([0-9]{1,4})\]\.(name|value)")


class Fields:
    """The members of a request, wherever they stand: in the query, a form or a JSON object."""

    def __init__(self, request):
        self._members = dict(request.query_params.lists())
        self.parameters = _indexed(request.query_params)
        body = request.data if request.method == "POST" else {}
        if isinstance(body, QueryDict):
            self._members |= dict(body.lists())
            self.parameters += _indexed(body)
        elif isinstance(body, dict):
            self._members |= {
                name: value if isinstance(value, list) else [value] for name, value in body.items()
            }
            self.parameters += [*_listed(body.get("params")), *_listed(body.get("parameters"))]
        else:
            raise solar.Refusal("Malformed JSON: an object is expected")

    def word(self, name):
        """Return the first value of a member; "" when there is none."""
        values = self._members.get(name, [None])
        return "" if not values or values[0] is None else str(values[0])

    def words(self, *names):
        """Return all values of the members, also those that commas part."""
        return solar_filters.parted(
            str(value) for name in names for value in self._members.get(name, ()) if value is not None
        )

    def numbers(self, *names):
        return list(dict.fromkeys(solar.number(word, names[0]) for word in self.words(*names)))

    def has(self, name):
        return bool(self.words(name))

    def moment(self, name):
        """Return the moment that a member says, in any form; None when there is none."""
        return solar_filters.instant(self.word(name), name)


def _indexed(form):
    """Return the parameters of a form, `parameters[0].name=…&parameters[0].value=…`, by their index."""
    found = {}
    for field, values in form.lists():
        if match := _PARAMETER.fullmatch(field):
            found.setdefault(int(match[1]), {})[match[2]] = str(values[0])
    return [_parameter(found[index]) for index in sorted(found)]


def _listed(sent):
    """Return the parameters of a JSON body: a map, or a list of names and values."""
    if isinstance(sent, dict):
        sent = [{"name": name, "value": value} for name, value in sent.items()]
    if not isinstance(sent or [], list) or not all(isinstance(each, dict) for each in sent or []):
        raise solar.Refusal("Malformed JSON: parameters: a map, or a list of names and values, is expected")
    return [_parameter(each) for each in sent or [] if each.get("value") is not None]


def _parameter(sent):
    if not isinstance(sent.get("name"), str) or not sent["name"]:
        raise solar.IllegalArgument("Each of the parameters needs a name.")
    value = sent.get("value", "")
    # Texts are what they allow; what else JSON has is taken as its text.
    return {"name": sent["name"], "value": value if isinstance(value, str) else json.dumps(value)}
