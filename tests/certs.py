"""Certificates for the tests, good ones and every kind of bad one.

They are made afresh for each run, so that no key is kept in the repository and
no test starts to fail on the day that a stored certificate expires. The usual ones
are made at once; ``certificates["chain_expired"]`` and the like when a test asks for it.
"""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAMES = ("localhost", "mail.example.test", "127.0.0.1", "::1")
WRONG_NAME = "other.example.test"
EXPIRING_DAYS = 5

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_SERVER: Final = (ExtendedKeyUsageOID.SERVER_AUTH,)
_CLIENT: Final = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@dataclass(frozen=True)
class Certificate:
    """One certificate (with the chain that its server sends), its key, and the CA that a client should trust."""

    name: str
    cert_pem: Path
    key_pem: Path
    ca_pem: Path

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The chain that the server sends, DER."""
        end = "-----END CERTIFICATE-----"
        blocks = self.cert_pem.read_text(encoding="ascii").split(end)[:-1]
        return tuple(ssl.PEM_cert_to_DER_cert(block.strip() + "\n" + end) for block in blocks)


@dataclass(frozen=True)
class Certificates:
    """All certificates of one test run, and the CA that a client should trust."""

    ca_pem: Path
    good: Certificate
    expired: Certificate
    not_yet_valid: Certificate
    expiring: Certificate
    wrong_name: Certificate
    self_signed: Certificate
    missing_intermediate: Certificate
    with_intermediate: Certificate
    weak_key: Certificate
    workshop: Workshop
    _made: dict[str, Certificate] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Certificate, ...]:
        """Every leaf that is always there, for tests that try them one after the other."""
        return (
            self.good,
            self.expired,
            self.not_yet_valid,
            self.expiring,
            self.wrong_name,
            self.self_signed,
            self.missing_intermediate,
            self.with_intermediate,
            self.weak_key,
        )

    def __getitem__(self, kind: str) -> Certificate:
        """Return a certificate of a rarer kind (`KINDS`), made at the first time that it is asked for."""
        if kind not in self._made:
            self._made[kind] = KINDS[kind](self.workshop, kind)
        return self._made[kind]

    def lasting(self, days: float, left: float) -> Certificate:
        """Return a certificate that is issued for so many days, of which so many are left."""
        name = f"lasting-{days}-{left}"
        if name not in self._made:
            shop = self.workshop
            # A minute more, so that the moment of the test is before it.
            leaf = shop.leaf(shop.root, days=(left - days, left + 0.0007))
            self._made[name] = shop.store(name, leaf)
        return self._made[name]


# -- How they are made --------------------------------------------------------


@dataclass(frozen=True)
class Signed:
    """A certificate with its key, and how its own chain goes on."""

    certificate: bytes
    key: Key
    issuer: Signed | None = None

    @property
    def parsed(self) -> x509.Certificate:
        """The certificate, parsed."""
        return x509.load_der_x509_certificate(self.certificate)


class Workshop:
    """Makes certificates of every kind, in a directory."""

    def __init__(self, directory: Path, authority: trustme.CA) -> None:
        """Take the CA that signs the usual ones."""
        self.directory = directory
        self.ca_pem = directory / "ca.pem"
        self.ca_pem.write_bytes(authority.cert_pem.bytes())
        key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.root = Signed(ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode()), key)

    @functools.cached_property
    def rsa_key(self) -> rsa.RSAPrivateKey:
        """A key of 2048 bits, which takes a while to find: one for all."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @functools.cached_property
    def intermediate(self) -> Signed:
        """A good CA below the root."""
        return self.authority("Intermediate", self.root)

    def authority(self, name: str, issuer: Signed | None = None, **how: Any) -> Signed:
        """Make a CA; the ways in which it may be odd are those of `certify`."""
        return certify(name, issuer, **{"ca": True, "days": (-400, 2000), "purposes": (), **how})

    def leaf(self, issuer: Signed | None, names: Sequence[str] = NAMES, **how: Any) -> Signed:
        """Make a server's certificate."""
        return certify(names[0] if names else NAMES[0], issuer, **{"names": names, **how})

    def store(
        self,
        name: str,
        leaf: Signed,
        trusted: Signed | None = None,
        chain: Sequence[Signed] | None = None,
    ) -> Certificate:
        """Write a certificate as a server wants it: with the CAs above it, but for the root."""
        if chain is None:
            above = []
            one = leaf.issuer
            while one is not None and one.issuer is not None:
                above.append(one)
                one = one.issuer
            chain = above
        ca_pem = self.ca_pem
        if trusted is not None and trusted is not self.root:
            ca_pem = self.directory / f"{name}-ca.pem"
            ca_pem.write_text(_pem(trusted.certificate), encoding="ascii")
        sent = "".join(_pem(one.certificate) for one in (leaf, *chain))
        return self.write(name, sent.encode(), _key_pem(leaf.key), ca_pem)

    def write(self, name: str, chain: bytes, key: bytes, ca_pem: Path | None = None) -> Certificate:
        """Write the files of a certificate."""
        cert_pem = self.directory / f"{name}.pem"
        key_pem = self.directory / f"{name}.key"
        cert_pem.write_bytes(chain)
        key_pem.touch(mode=0o600)
        key_pem.write_bytes(key)
        return Certificate(name, cert_pem, key_pem, ca_pem or self.ca_pem)


def make(directory: Path) -> Certificates:
    """Make all certificates in a directory, which must exist."""
    authority = trustme.CA()
    shop = Workshop(directory, authority)
    intermediate = authority.create_child_ca()

    def issue(
        name: str,
        *identities: str,
        issuer: trustme.CA = authority,
        days: tuple[int, int] = (-30, 300),
        intermediates: bool = True,
    ) -> Certificate:
        now = dt.datetime.now(dt.UTC)
        leaf = issuer.issue_cert(
            *identities,
            common_name=identities[0],
            not_before=now + dt.timedelta(days=days[0]),
            # Some hours more, so that a count of whole days never wavers.
            not_after=now + dt.timedelta(days=days[1], hours=6),
        )
        chain = [pem.bytes() for pem in leaf.cert_chain_pems]
        sent = b"".join(chain if intermediates else chain[:1])
        return shop.write(name, sent, leaf.private_key_pem.bytes())

    # The size that OpenSSL's security level 2 refuses: that is the point.
    weak_key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    return Certificates(
        ca_pem=shop.ca_pem,
        good=issue("good", *NAMES),
        expired=issue("expired", *NAMES, days=(-40, -10)),
        not_yet_valid=issue("not_yet_valid", *NAMES, days=(10, 40)),
        expiring=issue("expiring", *NAMES, days=(-30, EXPIRING_DAYS)),
        wrong_name=issue("wrong_name", WRONG_NAME),
        self_signed=shop.store("self_signed", shop.leaf(None)),
        missing_intermediate=issue("missing_intermediate", *NAMES, issuer=intermediate, intermediates=False),
        with_intermediate=issue("with_intermediate", *NAMES, issuer=intermediate),
        weak_key=shop.store("weak_key", shop.leaf(shop.root, key=weak_key)),
        workshop=shop,
    )


def certify(  # noqa: PLR0913 -- each is a way to be odd
    common_name: str,
    issuer: Signed | None,
    *,
    names: Sequence[str] = (),
    days: tuple[float, float] = (-30, 300),
    key: Key | None = None,
    ca: bool | None = False,
    critical: bool = True,
    path_length: int | None = None,
    purposes: Sequence[x509.ObjectIdentifier] = _SERVER,
    key_id: bool = True,
    usage: x509.KeyUsage | None = None,
    organization: str | None = None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Signed:
    """Certify a key, by itself where there is no issuer."""
    now = dt.datetime.now(dt.UTC)
    key = key or ec.generate_private_key(ec.SECP256R1())
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    subject = x509.Name(parts)
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.parsed.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1], hours=6 if float(days[1]).is_integer() else 0))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical)
    if key_id and issuer:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if ca and usage is None:
        usage = key_usage(key_cert_sign=True, crl_sign=True)
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(general_name(name) for name in names), critical=False
        )
    for extension, how in extensions:
        builder = builder.add_extension(extension, how)
    certificate = builder.sign(signer, hashes.SHA256())
    return Signed(certificate.public_bytes(serialization.Encoding.DER), key, issuer)


def key_usage(**set_ones: bool) -> x509.KeyUsage:
    """Return a key usage with only these bits set."""
    bits = dict.fromkeys(
        [
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    return x509.KeyUsage(**{**bits, **set_ones})


def general_name(identity: str) -> x509.GeneralName:
    """Return an entry of a subjectAltName."""
    try:
        return x509.IPAddress(ipaddress.ip_address(identity))
    except ValueError:
        return x509.DNSName(identity)


def _pem(certificate: bytes) -> str:
    return ssl.DER_cert_to_PEM_cert(certificate)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


# -- What no library makes any more, by hand ----------------------------------

ECDSA_SHA256: Final = bytes.fromhex("300a06082a8648ce3d040302")
ECDSA_SHA1: Final = bytes.fromhex("300906072a8648ce3d0401")

Parts = list[bytes]


def der(tag: int, *parts: bytes) -> bytes:
    """Encode a DER value."""
    contents = b"".join(parts)
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + contents


def der_parts(encoded: bytes) -> Parts:
    """Take a constructed DER value apart, one level deep; each part keeps its header."""
    contents, _ = _split(encoded)
    parts = []
    while contents:
        _, rest = _split(contents)
        parts.append(contents[: len(contents) - len(rest)])
        contents = rest
    return parts


def _split(encoded: bytes) -> tuple[bytes, bytes]:
    length, begin = encoded[1], 2
    if length >= 0x80:
        begin += length - 0x80
        length = int.from_bytes(encoded[2:begin], "big")
    return encoded[begin : begin + length], encoded[begin + length :]


def forge(
    original: Signed,
    edit: Callable[[Parts], Parts] = list,
    algorithm: bytes = ECDSA_SHA256,
    digest: hashes.HashAlgorithm | None = None,
) -> Signed:
    """Sign a certificate again after an edit of what is signed, or with another algorithm.

    The parts are: version, serial number, algorithm, issuer, validity, subject, key, extensions.
    """
    parts = der_parts(der_parts(original.certificate)[0])
    parts[2] = algorithm
    signed = der(0x30, *edit(parts))
    signer = (original.issuer or original).key
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    signature = signer.sign(signed, ec.ECDSA(digest or hashes.SHA256()))
    whole = der(0x30, signed, algorithm, der(0x03, b"\0", signature))
    return Signed(whole, original.key, original.issuer)


def with_sha1(original: Signed) -> Signed:
    """Sign a certificate again, with SHA-1."""
    return forge(original, algorithm=ECDSA_SHA1, digest=hashes.SHA1())  # noqa: S303 -- what is tested


def version_1(original: Signed) -> Signed:
    """Make a certificate of version 1, which has no extensions."""
    return forge(original, lambda parts: parts[1:7])


def with_extension(original: Signed, oid: str, contents: bytes) -> Signed:
    """Add an extension with contents of any kind."""
    name = der(0x06, oid_contents(oid))
    extension = der(0x30, name, der(0x04, contents))

    def edit(parts: Parts) -> Parts:
        present = der_parts(der_parts(parts[7])[0])
        kept = [part for part in present if der_parts(part)[0] != name]
        return [*parts[:7], der(0xA3, der(0x30, *kept, extension))]

    return forge(original, edit)


def oid_contents(dotted: str) -> bytes:
    """Encode an object identifier, without tag and length."""
    first, second, *rest = map(int, dotted.split("."))
    encoded = bytearray([first * 40 + second])
    for arc in rest:
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        encoded += bytes(reversed(groups))
    return bytes(encoded)


# -- The rarer kinds ----------------------------------------------------------


def _simple(**how: Any) -> Callable[[Workshop, str], Certificate]:
    return lambda shop, name: shop.store(name, shop.leaf(shop.root, **how))


def _below(**how: Any) -> Callable[[Workshop, str], Certificate]:
    """Make a good leaf below an intermediate CA of some kind."""

    def make_one(shop: Workshop, name: str) -> Certificate:
        return shop.store(name, shop.leaf(shop.authority("Intermediate", shop.root, **how)))

    return make_one


def _own_root(**how: Any) -> Callable[[Workshop, str], Certificate]:
    """Make a good leaf below a root of some kind, which the client trusts."""

    def make_one(shop: Workshop, name: str) -> Certificate:
        root = shop.authority("Own Root", **how)
        return shop.store(name, shop.leaf(root), root)

    return make_one


def _root_sent(shop: Workshop, name: str) -> Certificate:
    root = shop.authority("Unknown Root")
    leaf = shop.leaf(root)
    return shop.store(name, leaf, chain=[root])


def _cross_ordered(shop: Workshop, name: str) -> Certificate:
    upper = shop.authority("Upper", shop.root)
    lower = shop.authority("Lower", upper)
    return shop.store(name, shop.leaf(lower), chain=[upper, lower])


def _wrong_intermediate(shop: Workshop, name: str) -> Certificate:
    other = shop.authority("Other Intermediate", shop.root)
    return shop.store(name, shop.leaf(shop.intermediate), chain=[other])


def _stale_twin(shop: Workshop, name: str) -> Certificate:
    """Send an intermediate twice, first as it was, expired, then renewed with the same key."""
    renewed = shop.authority("Twin", shop.root)
    stale = shop.authority("Twin", shop.root, key=renewed.key, days=(-800, -20))
    return shop.store(name, shop.leaf(renewed), chain=[stale, renewed])


def _issued_by_leaf(shop: Workshop, name: str) -> Certificate:
    return shop.store(name, shop.leaf(shop.leaf(shop.root, ["issuer.example.test"])))


def _alone(extension: x509.ExtensionType) -> Callable[[Workshop, str], Certificate]:
    """Make a leaf of a CA that says it is public, and send nothing else."""

    def make_one(shop: Workshop, name: str) -> Certificate:
        leaf = shop.leaf(shop.intermediate, extensions=[(extension, False)])
        return shop.store(name, leaf, chain=[])

    return make_one


def _forged(shop: Workshop, name: str) -> Certificate:
    """Issue in the name of the root, with another key: its key identifier is not told, so that it is tried."""
    impostor = certify("x", None, ca=True)
    pretender = Signed(shop.root.certificate, impostor.key)
    return shop.store(name, shop.leaf(pretender, key_id=False))


def _constrained(shop: Workshop, name: str) -> Certificate:
    constraints = x509.NameConstraints([x509.DNSName("only.example.test")], None)
    issuer = shop.authority("Intermediate", shop.root, extensions=[(constraints, True)])
    return shop.store(name, shop.leaf(issuer))


def _partial(shop: Workshop, name: str) -> Certificate:
    return shop.store(name, shop.leaf(shop.intermediate), shop.intermediate, chain=[])


def _sha1(shop: Workshop, name: str) -> Certificate:
    return shop.store(name, with_sha1(shop.leaf(shop.root)))


def _sha1_intermediate(shop: Workshop, name: str) -> Certificate:
    return shop.store(name, shop.leaf(with_sha1(shop.authority("Old Intermediate", shop.root))))


def _version_1(shop: Workshop, name: str) -> Certificate:
    return shop.store(name, version_1(shop.leaf(shop.root)))


def _hostile(shop: Workshop, name: str) -> Certificate:
    """Make names of types that nobody expects, and characters that steer a terminal."""
    names = der(
        0x30,
        der(0x82, b"mail.example.test\0.evil.test"),
        der(0x82, b"\x1b[31mred.example.test"),
        der(0x82, "메일.example.test".encode()),
        der(0x87, b"\x7f\0\0"),
        der(0x81, b"postmaster@example.test"),
        der(0x86, b"smtp://mail.example.test"),
        der(0x88, b"\x2a\x03"),
        der(0xA0, der(0x06, b"\x2a\x03"), der(0xA0, der(0x0C, b"other"))),
        der(0x82, b""),
    )
    common_name = "evil\x1b]0;title\x07\u202e"
    leaf = with_extension(certify(common_name, shop.root), "2.5.29.17", names)
    return shop.store(name, leaf)


def _provider(shop: Workshop, name: str) -> Certificate:
    root = shop.authority("Proxy Root", organization="Example Hosting Ltd")
    leaf = shop.leaf(root, ["shared1.hosting.example"], organization="Example Hosting Ltd")
    return shop.store(name, leaf, root)


def _rsa(shop: Workshop, name: str) -> Certificate:
    return shop.store(name, shop.leaf(shop.root, key=shop.rsa_key))


_SCTS: Final = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), der(0x04, b"\0\0")
)
_ISSUERS: Final = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS,
            x509.UniformResourceIdentifier("http://ca.example.test/intermediate.crt"),
        )
    ]
)

KINDS: Final[Mapping[str, Callable[[Workshop, str], Certificate]]] = {
    # Dates of others than the leaf.
    "chain_expired": _below(days=(-800, -20)),
    "chain_not_yet_valid": _below(days=(20, 800)),
    "root_expired": _own_root(days=(-3000, -20)),
    "stale_twin": _stale_twin,
    # Chains.
    "root_sent": _root_sent,
    "cross_ordered": _cross_ordered,
    "wrong_intermediate": _wrong_intermediate,
    "alone": lambda shop, name: shop.store(name, shop.leaf(shop.intermediate), chain=[]),
    "forged": _forged,
    "name_constraints": _constrained,
    "unknown_critical": _simple(
        extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b""), True)]
    ),
    "alone_with_scts": _alone(_SCTS),
    "alone_with_issuers": _alone(_ISSUERS),
    "partial": _partial,
    "provider": _provider,
    # CAs that are none.
    "issued_by_leaf": _issued_by_leaf,
    "path_too_long": lambda shop, name: shop.store(
        name,
        shop.leaf(shop.authority("Lower", shop.authority("Upper", shop.root, path_length=0))),
    ),
    "no_cert_sign": _below(usage=key_usage(digital_signature=True)),
    # Profiles that some refuse.
    "cn_only": lambda shop, name: shop.store(name, certify(NAMES[0], shop.root)),
    "no_key_id": _simple(key_id=False),
    "root_not_critical": _own_root(critical=False),
    "root_without_constraints": _own_root(ca=None, usage=key_usage(key_cert_sign=True)),
    "intermediate_not_critical": _below(critical=False),
    "no_names_but_mail": _simple(
        names=(), extensions=[(x509.SubjectAlternativeName([x509.RFC822Name("a@b.test")]), False)]
    ),
    "version_1": _version_1,
    # Purposes.
    "client_only": _simple(purposes=_CLIENT),
    "no_purpose": _simple(purposes=()),
    "intermediate_client_only": _below(purposes=_CLIENT),
    "usage_without_signature": _simple(usage=key_usage(key_agreement=True)),
    # Weak or old.
    "sha1": _sha1,
    "sha1_intermediate": _sha1_intermediate,
    "rsa": _rsa,
    # Names.
    "wildcard": _simple(names=("*.example.test",)),
    "wildcard_wrong": _simple(names=("*.mail.example.test", "mail.*.test", "*.test")),
    "idn": _simple(names=("xn--h32bq4v.example.test",)),
    "hostile": _hostile,
    "must_staple": _simple(extensions=[(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)]),
}
