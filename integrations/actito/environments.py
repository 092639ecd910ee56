"""Actito's environments: https://developers.actito.com/docs/integration-framework/apis/authentication/general.

A licence lives in one of them; which one, Actito shows under “Manage API users → View API key”.
"""

from django.utils.translation import gettext_lazy as _

OWN = "own"
ENVIRONMENTS = [
    ("https://api.actito.com", _("Production: api.actito.com")),
    ("https://api1.actito.com", _("Production: api1.actito.com")),
    ("https://api3.actito.com", _("Production: api3.actito.com")),
    ("https://api-pre1.actito.com", _("Pre-production: api-pre1.actito.com")),
    ("https://apitest.actito.com", _("Test, older: apitest.actito.com")),
    ("https://www.actito.be", _("Oldest: www.actito.be")),
    ("https://test.actito.be", _("Oldest, test: test.actito.be")),
    (OWN, _("Another address")),
]
