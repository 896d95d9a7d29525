/**
 * The card of a part, made in the browser as `web/templates/parts.html` makes it for a lesson: the workshop's wiring is
 * known here only.
 * @module
 */
import { text } from "./catalogue.js";
import { make } from "./dom.js";

/**
 * @typedef {{ key: string, label: string, style: string, min: number, max: number, value: number, unit: string, needs: string }} PartControl
 * @typedef {import("./wiring-editor.js").Kind & { controls: PartControl[] }} MovableKind
 */

/**
 * @param {MovableKind | undefined} kind
 * @param {import("./workshop-link.js").WiredPart} part
 */
export function partCard(kind, part) {
  const label = kind?.label ?? part.kind;
  const pins = Object.entries(part.pins);
  const controls = (kind?.controls ?? []).filter(({ needs }) => needs === "" || part.pins[needs] !== undefined);
  return make("li", { class: "part", "data-part": part.name, "data-kind": part.kind },
    make("div", { class: "part-picture", "data-part-picture": "", "aria-hidden": "true" }),
    make("div", { class: "part-words" },
      make("h3", {}, `${label} `, make("span", { class: "part-name" }, part.name)),
      make("p", { class: "part-pins" }, pins.map(([role, pin]) => `${pins.length > 1 ? `${role} ` : ""}GPIO ${pin}`).join(" · ")),
      make("p", { class: "part-shown", "data-part-shown": "" }, "–")),
    ...(controls.length > 0 ? [make("div", { class: "part-controls", role: "group", "aria-label": `${label} ${part.name}` }, ...controls.flatMap((control) => moves(control, part)))] : []));
}

/**
 * The wires that a part needs on a board at a cable.
 * @param {MovableKind | undefined} kind
 * @param {import("./workshop-link.js").WiredPart} part
 */
export function wireLines(kind, part) {
  const named = `${kind?.label ?? part.kind} ${part.name}`;
  return Object.entries(part.pins).map(([role, pin]) => make("li", {}, `${named}: ${role} – GPIO ${pin}`));
}

/**
 * @param {PartControl} control
 * @param {import("./workshop-link.js").WiredPart} part
 * @returns {HTMLElement[]}
 */
function moves({ key, label, style, min, max, value, unit }, part) {
  const stopped = key === "running" && part.at_start === "stopped";
  const begin = typeof part[key] === "number" ? part[key] : stopped ? 0 : value;
  const named = (/** @type {string} */ words) => `${words}: ${part.name}`;
  /** @param {Record<string, string | number | boolean>} attributes @param {string} words */
  const button = (attributes, words) => make("button", { type: "button", class: "button", "data-move": key, ...attributes }, words);
  switch (style) {
    case "turn": return [
      button({ "data-style": "send", "data-by": -1, "aria-label": named(`${label} −1`) }, "◀"),
      button({ "data-style": "send", "data-by": 1, "aria-label": named(`${label} +1`) }, "▶"),
    ];
    case "slider": return [make("label", { class: "part-slider" }, `${label} `, make("output", { "data-output": "" }),
      make("input", { class: "slider", type: "range", min, max, value: begin, "data-move": key, "data-style": "slider", "data-unit": unit }))];
    case "enter":
    case "number": return [make("label", { class: "part-number" }, unit === "" ? label : `${label} (${unit})`,
      make("input", { class: "text-field", type: "number", min, max, value: begin, "data-move": key, "data-style": style }))];
    case "toggle": return [button({ "data-style": "toggle", "aria-pressed": String(begin === 1), "aria-label": named(label) }, label)];
    case "hold": return [
      button({ class: "button hold", "data-style": "hold", "aria-label": named(label) }, label),
      button({ "data-style": "toggle", "aria-pressed": "false", "aria-label": named(text("live.part_keep")) }, text("live.part_keep")),
    ];
    default: return [button({ "data-style": "send", "data-by": 1, "aria-label": named(label) }, label)];
  }
}
