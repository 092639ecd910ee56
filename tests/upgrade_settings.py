"""The settings of a version that is yet to come: it has one migration more."""

from tests.faults.settings import *  # noqa: F403

MIGRATION_MODULES = {"faults": "tests.portal.later"}
