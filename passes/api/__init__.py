"""The API by which a shop's till or site finds, makes and changes passes: docs/pass-api.md."""
