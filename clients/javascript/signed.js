// Signatures of manifests: a DSSE envelope around an in-toto statement, verified by the browser.

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const P256_BYTES = 32;

/** Where the signature of a manifest lies, by the SHA-256 of its bytes. */
export function signaturePath(model, version, digest) {
  return `${model}/${version}/manifest.${digest.slice(0, 16)}.dsse.json`;
}

/** Throws unless one of the keys (PEM, ECDSA on P-256) signed the manifest with this SHA-256. */
export async function requireSigned({ model, version, digest, envelope, keys }) {
  let made;
  let payload;
  let told;
  try {
    made = JSON.parse(new TextDecoder().decode(envelope));
    payload = bytesOf(made.payload);
    told = JSON.parse(new TextDecoder().decode(payload));
  } catch {
    throw new Error("its signature does not parse");
  }
  const said = preAuthenticated(made.payloadType, payload);
  const signatures = Array.isArray(made.signatures) ? made.signatures : [];
  const believed = await anyOf(keys, signatures, said);
  if (!believed) throw new Error("no trusted key has signed it");
  const subject = told?.subject?.length === 1 ? told.subject[0] : null;
  const same =
    made.payloadType === PAYLOAD_TYPE &&
    subject?.name === `${model}/${version}/manifest.json` &&
    subject.digest?.sha256 === digest;
  if (!same) throw new Error("its signature is of another manifest");
}

async function anyOf(keys, signatures, said) {
  for (const pem of keys) {
    const der = bytesOf(pem.replace(/-----[^-]+-----|\s/g, ""));
    const kind = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("spki", der, kind, false, ["verify"]);
    for (const { sig } of signatures) {
      const raw = rawSignature(sig);
      const way = { name: "ECDSA", hash: "SHA-256" };
      if (raw && (await crypto.subtle.verify(way, key, raw, said))) return true;
    }
  }
  return false;
}

/** What DSSE signs: type and payload, each after its length. */
function preAuthenticated(type, payload) {
  const kind = new TextEncoder().encode(String(type));
  const head = new TextEncoder().encode(`DSSEv1 ${kind.length} ${type} ${payload.length} `);
  const said = new Uint8Array(head.length + payload.length);
  said.set(head);
  said.set(payload, head.length);
  return said;
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** r and s side by side, as browsers want them, of the DER sequence that signers write; or null. */
function rawSignature(base64) {
  let der;
  try {
    der = bytesOf(base64);
  } catch {
    return null;
  }
  const raw = new Uint8Array(2 * P256_BYTES);
  let at = 2;
  for (const part of [0, 1]) {
    const length = der[at + 1];
    const number = der.slice(at + 2, at + 2 + length);
    const digits = number.length > P256_BYTES ? number.slice(number.length - P256_BYTES) : number;
    if (der[at] !== 2 || number.length !== length || length === 0) return null;
    raw.set(digits, (part + 1) * P256_BYTES - digits.length);
    at += 2 + length;
  }
  return der[0] === 0x30 && at === der.length ? raw : null;
}
