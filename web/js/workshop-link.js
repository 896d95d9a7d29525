/**
 * A workshop as a link: program, wiring and seed in the fragment of the address, which reaches no server. The text is
 * JSON, deflated, in the alphabet of URLs; the number in front of it is the format's.
 * @module
 */

/** @typedef {{ kind: string, name: string, pins: Record<string, number> } & Record<string, any>} WiredPart */
/** @typedef {{ parts: WiredPart[], moves?: object[] }} Wiring */
/** @typedef {{ program: string, wiring: Wiring, seed: number }} Workshop */

/** The longest fragment: what every browser and every chat takes. */
export const MOST_CHARACTERS = 8 * 1024;
/** The most that a link may unfold to: no program and wiring is longer than the server takes. */
const MOST_BYTES = 256 * 1024;
const FORMAT = "1.";

/**
 * @param {Workshop} workshop
 * @returns {Promise<string>} the fragment without its `#`
 */
export async function toFragment({ program, wiring, seed }) {
  const json = JSON.stringify({ p: program, w: wiring, s: seed });
  const bytes = await through(new TextEncoder().encode(json), new CompressionStream("deflate-raw"), Infinity);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return FORMAT + btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * @param {string} fragment without its `#`
 * @returns {Promise<Workshop | null>} `null`: it is cut, changed, or none of ours
 */
export async function fromFragment(fragment) {
  if (!fragment.startsWith(FORMAT) || fragment.length > MOST_CHARACTERS) return null;
  try {
    const text = atob(fragment.slice(FORMAT.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = await through(Uint8Array.from(text, (character) => character.charCodeAt(0)), new DecompressionStream("deflate-raw"), MOST_BYTES);
    return checked(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    return null;
  }
}

/**
 * What stands in a link or in the browser's store, if it has the form of a workshop; the server judges the rest.
 * @param {any} value
 * @returns {Workshop | null}
 */
export function checked(value) {
  const { p: program, w: wiring, s: seed } = value ?? {};
  const sound = typeof program === "string" && Number.isSafeInteger(seed) && seed >= 0 && Array.isArray(wiring?.parts)
    && wiring.parts.every((/** @type {any} */ part) => typeof part?.kind === "string" && typeof part.name === "string" && typeof part.pins === "object" && part.pins !== null);
  return sound ? { program, wiring, seed } : null;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {{ writable: WritableStream<any>, readable: ReadableStream<any> }} stream
 * @param {number} most
 */
async function through(bytes, stream, most) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  /** @type {number[]} */
  const out = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Uint8Array.from(out);
    if (out.length + value.length > most) {
      await reader.cancel();
      throw new RangeError("too much");
    }
    for (const byte of value) out.push(byte);
  }
}
