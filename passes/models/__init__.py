from passes.models.card_import import CardImport, CardImportPart, CardImportProblem
from passes.models.condition import TemplateCondition
from passes.models.credentials import AppleCredentials, CertificateRequest, SpareCertificate, UpdateCounter
from passes.models.device import Device, Registration
from passes.models.google import GoogleClass, GoogleIssuer, GoogleNotification, GoogleObject
from passes.models.holding import in_google, on_a_phone, phones_count, phones_of_customer
from passes.models.message import (
    MessageCondition,
    MessageLimits,
    MessageReceipt,
    MessageText,
    MessageValue,
    PassMessage,
)
from passes.models.notice import PhoneNotice
from passes.models.parts import TemplateField, TemplateImage, TemplateText
from passes.models.surroundings import TemplateAction, TemplateBeacon, TemplateLocation, TemplateMoment
from passes.models.template import PassTemplate
from passes.models.wallet_pass import WalletPass

__all__ = [
    "AppleCredentials",
    "CardImport",
    "CardImportPart",
    "CardImportProblem",
    "CertificateRequest",
    "Device",
    "GoogleClass",
    "GoogleIssuer",
    "GoogleNotification",
    "GoogleObject",
    "MessageCondition",
    "MessageLimits",
    "MessageReceipt",
    "MessageText",
    "MessageValue",
    "PassMessage",
    "PassTemplate",
    "PhoneNotice",
    "Registration",
    "SpareCertificate",
    "TemplateAction",
    "TemplateBeacon",
    "TemplateCondition",
    "TemplateField",
    "TemplateImage",
    "TemplateLocation",
    "TemplateMoment",
    "TemplateText",
    "UpdateCounter",
    "WalletPass",
    "in_google",
    "on_a_phone",
    "phones_count",
    "phones_of_customer",
]
