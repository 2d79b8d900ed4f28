"""Reading the bodies of requests to our HTTP APIs."""

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class Parser(JSONParser):
    """REST framework's own takes a text that is nested too deeply for a fault of ours."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError("The text is nested too deeply.") from None
