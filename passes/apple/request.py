"""Requests for certificates: the key is made here and stays here, the request goes to Apple.

https://developer.apple.com/help/account/certificates/create-a-certificate-signing-request
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from passes.apple.upload import key_pem

KEY_BITS = 2048  # what Apple asks for
NAME_LENGTH = 64  # X.520: the longest common name


def new_request(name: str, organization: str) -> tuple[str, str]:
    """A new private key and the request for it, as PEM texts. Apple gives the certificate a subject of its own."""
    key = rsa.generate_private_key(65537, KEY_BITS)
    parts = [(NameOID.COMMON_NAME, name), (NameOID.ORGANIZATION_NAME, organization)]
    subject = x509.Name([x509.NameAttribute(oid, text[:NAME_LENGTH]) for oid, text in parts if text])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, SHA256())
    return key_pem(key), request.public_bytes(Encoding.PEM).decode()


def answers(certificate: x509.Certificate, request: str) -> bool:
    """Whether the certificate was made for the request (PEM): both hold the same public key."""
    try:
        asked = x509.load_pem_x509_csr(request.encode())
        return bool(asked.public_key() == certificate.public_key())
    except (ValueError, UnsupportedAlgorithm):
        return False
