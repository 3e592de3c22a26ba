// Which of a hundred buckets a user falls into: the same in every browser and in Python.
//
//   uint32_big_endian(SHA-256(UTF-8(salt + ":" + userId))[0:4]) mod 100
//
// A user whose bucket is below the percentage gets the new version. clients/vectors/buckets.json
// holds what every implementation must answer.

/** The bucket of a user under a salt: a promise of a whole number from 0 to 99. */
export async function bucket(userId, salt) {
  const text = new TextEncoder().encode(`${salt}:${userId}`);
  const digest = await crypto.subtle.digest("SHA-256", text);
  return new DataView(digest).getUint32(0, false) % 100;
}
