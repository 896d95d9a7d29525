/**
 * The page's words in the visitor's language, as the server put them into the page.
 * @module
 */

/** @type {Record<string, string>} */
let words = {};

/** Reads the words from the page. */
export function loadCatalogue() {
  words = readData("catalogue");
}

/**
 * The text of a key, with `{name}` places filled.
 * @param {string} key
 * @param {Record<string, string | number>} [places]
 */
export function text(key, places = {}) {
  const template = words[key];
  if (template === undefined) throw new Error(`no text for ${key}`);
  return template.replace(/\{(\w+)\}/g, (whole, name) => String(places[name] ?? whole));
}

/**
 * A JSON block of the page (`<script type="application/json" id=...>`).
 * @param {string} id
 * @returns {any}
 */
export function readData(id) {
  return JSON.parse(document.getElementById(id)?.textContent ?? "{}");
}
