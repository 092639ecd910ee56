from passes.models.credentials import AppleCredentials, UpdateCounter
from passes.models.device import Device, Registration
from passes.models.parts import TemplateField, TemplateImage, TemplateText
from passes.models.template import PassTemplate
from passes.models.wallet_pass import WalletPass

__all__ = [
    "AppleCredentials",
    "Device",
    "PassTemplate",
    "Registration",
    "TemplateField",
    "TemplateImage",
    "TemplateText",
    "UpdateCounter",
    "WalletPass",
]
