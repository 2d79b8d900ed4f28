"""The verbs of the domain, whichever protocol or door they come by."""
