"""Signatures of KMS verify outside of it, whichever way the message was handed over."""

import hashlib

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

TIME_SCALE = 1
MESSAGE = b"what is signed"
HASHES = {"256": (hashlib.sha256, hashes.SHA256()), "384": (hashlib.sha384, hashes.SHA384())}


@pytest.fixture(scope="module")
def kms(aws):
    return aws.client("kms")


def verify(public, signature, algorithm):
    """By a library that knows nothing of KMS."""
    known = HASHES[algorithm[-3:]][1]
    if algorithm.startswith("ECDSA"):
        public.verify(signature, MESSAGE, ec.ECDSA(known))
    elif "PSS" in algorithm:
        pss = padding.PSS(padding.MGF1(known), padding.PSS.AUTO)
        public.verify(signature, MESSAGE, pss, known)
    else:
        public.verify(signature, MESSAGE, padding.PKCS1v15(), known)


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384"),
    ],
)
def test_a_message_and_its_digest_are_signed_alike(kms, spec, algorithm):
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    digest = HASHES[algorithm[-3:]][0](MESSAGE).digest()
    for kind, told in (("RAW", MESSAGE), ("DIGEST", digest)):
        asked = {"KeyId": key, "SigningAlgorithm": algorithm}
        signature = kms.sign(**asked, Message=told, MessageType=kind)["Signature"]
        verify(public, signature, algorithm)
        with pytest.raises(InvalidSignature):
            verify(public, signature[:-1] + bytes([signature[-1] ^ 1]), algorithm)
        for other, words in (("RAW", MESSAGE), ("DIGEST", digest)):
            answer = kms.verify(**asked, Message=words, MessageType=other, Signature=signature)
            assert answer["SignatureValid"]


def test_a_digest_of_another_length_is_refused(kms):
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="Digest is invalid length for algorithm ECDSA_SHA_256"):
        kms.sign(
            KeyId=key, SigningAlgorithm="ECDSA_SHA_256", MessageType="DIGEST", Message=b"short"
        )
