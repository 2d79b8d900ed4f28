"""Who calls the APIs of SolarNetwork: user tokens, and data tokens where a view allows them."""

from csms import solar
from tokens.authentication import BearerToken


class View(solar.View):
    """A route of SolarUser or SolarQuery; `account` is the owner of the token."""

    authentication_classes = (BearerToken,)
