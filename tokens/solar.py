"""Who calls the APIs of SolarNetwork: user tokens, and data tokens where a view allows them."""

from django.conf import settings
from django.utils.functional import cached_property
from rest_framework.exceptions import AuthenticationFailed

from csms import solar
from tokens.authentication import BearerToken, SignedToken
from tokens.policy import Policy

# What is wrong with a token, in SolarNetwork's words.
_WORDS = {
    "unknown": "Bad credentials",
    "expired": "Expired token",
    "disabled": "Disabled token",
    "inactive": "Disabled account",
}


class View(solar.View):
    """A route of SolarUser or SolarQuery; `account` is the owner of the token.

    Which paths the token's policy allows is enforced here. A view that touches nodes or sources asks
    `policy.allows_node` and `policy.allows_source`.
    """

    # The first one makes the challenge.
    authentication_classes = (SignedToken, BearerToken)
    enforces_policy = True
    # With which methods a token whose policy names nodes may call a view of what belongs to no node, and
    # touches the chargers of all of them; None where rows have nodes, and are narrowed by them.
    methods_beyond_nodes = None

    @cached_property
    def policy(self) -> Policy:
        """The limits of the token that calls."""
        token = self.request.auth
        return token.limits if token else Policy()

    def initial(self, request, *args, **kwargs):
        # Before anything: signatures cover the body, and parsers can read it afterwards, not before.
        if len(request._request.body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise solar.TooLarge  # one in chunks, which has not told its length
        super().initial(request, *args, **kwargs)
        if not self.policy.allows_path(request.path_info):
            raise solar.Denied(why="The policy of this token does not allow this path.")
        methods = self.methods_beyond_nodes
        if self.policy.node_ids and methods is not None and request.method not in methods:
            raise solar.Denied(why="The policy of this token names nodes; this belongs to the whole account.")

    def handle_exception(self, exc):
        if isinstance(exc, AuthenticationFailed):
            exc.detail = _WORDS.get(exc.get_codes(), exc.detail)
        return super().handle_exception(exc)
