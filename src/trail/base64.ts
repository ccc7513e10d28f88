/**
 * Base64 as the trail writes it: RFC 4648 section 4, padded and canonical. Node's decoder accepts nearly
 * anything, so what comes from outside goes through here and nowhere else.
 */

/** The bytes, or null where the text is not canonical base64: that is what the bytes are written as, and no other text. */
export function decodeBase64(text: string): Buffer | null {
  if (text.length % 4 !== 0) return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

/** The 32 bytes of a SHA-256 in canonical base64, or null. */
export function decodeHash(text: string): Buffer | null {
  if (text.length !== 44) return null;
  const bytes = decodeBase64(text);
  return bytes?.length === 32 ? bytes : null;
}
