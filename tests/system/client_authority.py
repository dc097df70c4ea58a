"""CAs for clients, made by python3-cryptography: what they sign, in files as curl and openssl read them."""

import base64
import datetime
import itertools
import pathlib
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLIENTS, SERVERS = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
DAY = datetime.timedelta(days=1)
numbers = itertools.count(1)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def field(certificate):
    """As Client-Cert has it (RFC 9440)."""
    return ":" + base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode() + ":"


class Client:
    """A certificate with its key, and the chain that goes with it."""

    def __init__(self, directory, certificate, key, chain):
        self.certificate, self.private_key, self.chain = certificate, key, chain
        stem = directory / f"client-{next(numbers)}"
        self.file, self.key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        self.file.write_bytes(b"".join(map(pem, [certificate, *chain])))
        self.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))

    def curl(self):
        return ("--cert", str(self.file), "--key", str(self.key))

    def aioquic(self):
        return {"certificate": self.certificate, "certificate_chain": self.chain, "private_key": self.private_key}

    def openssl(self):
        return ("-cert", str(self.file), "-key", str(self.key), "-cert_chain", str(self.file))


class Authority:
    """A CA of its own, or one below `issuer`."""

    def __init__(self, name, issuer=None):
        self.directory = issuer.directory if issuer else pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-ca-"))
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.issuer = issuer
        signer = issuer or self
        self.certificate = (
            self._begin(self.name, self.key, signer.name, (-DAY, 10 * DAY))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=False, content_commitment=False, key_encipherment=False,
                                         data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
                                         encipher_only=False, decipher_only=False), critical=True)
            .sign(signer.key, hashes.SHA256()))
        self.file = self.directory / f"ca-{next(numbers)}.pem"
        self.file.write_bytes(pem(self.certificate))

    @staticmethod
    def _begin(name, key, issuer, valid):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now + valid[0]).not_valid_after(now + valid[1]))

    def chain(self):
        """What a client sends behind its own: the CAs but for the root."""
        return [self.certificate, *self.issuer.chain()] if self.issuer else []

    def sign(self, name="alice", usage=CLIENTS, valid=(-DAY, 5 * DAY), padding=0):
        """`padding` bytes more make a large certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
                             x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._begin(subject, key, self.name, valid)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if padding:
            other = x509.ObjectIdentifier("1.3.6.1.4.1.32473.1")  # RFC 5612
            builder = builder.add_extension(x509.UnrecognizedExtension(other, b"\x04\x00" * (padding // 2)), critical=False)
        return Client(self.directory, builder.sign(self.key, hashes.SHA256()), key, self.chain())
