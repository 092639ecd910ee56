"""Apple's side of Wallet on this machine: its certificate authority, its push service and virtual iPhones.

Nothing here shares code with the product's signing and pushing: the sandbox is the stand-in that judges them.
"""

from passes.apple.sandbox.apns import ApnsFault, ApnsSandbox, Push
from passes.apple.sandbox.authority import Authority, Credentials
from passes.apple.sandbox.checks import CheckedPass, PassRefused, inspect
from passes.apple.sandbox.iphone import VirtualIPhone
from passes.apple.sandbox.server import AppleSandbox
from passes.apple.sandbox.webservice import Network

__all__ = [
    "ApnsFault",
    "ApnsSandbox",
    "AppleSandbox",
    "Authority",
    "CheckedPass",
    "Credentials",
    "Network",
    "PassRefused",
    "Push",
    "VirtualIPhone",
    "inspect",
]
