"""Google's side of Wallet on this machine: service accounts, the Wallet API, save links, callbacks, Android phones.

Of the product it shares the description of Google's JSON alone (passes.google.schema), which a test compares with
Google's own.
"""

from passes.google.sandbox.android import VirtualAndroid
from passes.google.sandbox.links import LinkRefused
from passes.google.sandbox.server import GoogleSandbox
from passes.google.sandbox.switches import Switches

__all__ = ["GoogleSandbox", "LinkRefused", "Switches", "VirtualAndroid"]
