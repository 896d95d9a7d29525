/**
 * The wiring as a list: each part with its pins and settings in fields, so that mouse, finger and keyboard do the same.
 * What the fields allow comes from the catalogue of parts; the server has the last word when the program is run.
 * @module
 */
import { text } from "./catalogue.js";
import { make } from "./dom.js";

/**
 * @typedef {import("./workshop-link.js").Wiring} Wiring
 * @typedef {import("./workshop-link.js").WiredPart} WiredPart
 * @typedef {{ key: string, needs: "digital" | "analog", optional: boolean, shared: boolean }} Role
 * @typedef {{ key: string, allowed: { amount: { min: number, max: number, default: number } } | { choice: string[] } }} Setting
 * @typedef {{ name: string, label: string, roles: Role[], settings: Setting[] }} Kind
 */

/** Pins of the header: all but those of the flash chip and of USB. */
const PINS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 21];
/** Of these the ones that measure a voltage. */
const ANALOG_PINS = 5;
/** As many as a wiring takes. */
const MOST_PARTS = 24;

export class WiringEditor {
  /** @type {WiredPart[]} */
  #parts = [];

  /**
   * @param {HTMLElement} root
   * @param {Kind[]} kinds
   * @param {(wiring: Wiring) => void} changed
   */
  constructor(root, kinds, changed) {
    this.kinds = kinds;
    this.changed = changed;
    this.list = make("ul", { class: "wiring-list" });
    this.empty = make("p", { class: "empty" }, text("live.wiring_empty"));
    const choice = make("select", { class: "select", "aria-label": text("live.wiring_kind") },
      ...kinds.map((kind) => make("option", { value: kind.name }, kind.label)));
    const add = make("button", { type: "button", class: "button" }, text("live.wiring_add"));
    add.addEventListener("click", () => this.#add(choice.value));
    root.replaceChildren(this.list, this.empty, make("div", { class: "wiring-add" }, choice, add));
    this.add = add;
  }

  /** @param {Wiring} wiring */
  show({ parts }) {
    this.#parts = structuredClone(parts);
    this.#paint();
  }

  /** @param {string} name of a kind */
  #add(name) {
    const kind = this.kinds.find((known) => known.name === name);
    if (kind === undefined || this.#parts.length >= MOST_PARTS) return;
    const taken = new Set(this.#parts.flatMap((part) => Object.values(part.pins)));
    /** @type {Record<string, number>} */
    const pins = {};
    for (const role of kind.roles.filter(({ optional }) => !optional)) {
      const pin = PINS.find((pin) => !taken.has(pin) && (role.needs !== "analog" || pin < ANALOG_PINS));
      if (pin === undefined) continue;
      pins[role.key] = pin;
      taken.add(pin);
    }
    let called = name;
    for (let n = 2; this.#parts.some((part) => part.name === called); n += 1) called = `${name} ${n}`;
    this.#parts.push({ kind: name, name: called, pins });
    this.#tell();
    this.#paint();
    const fields = this.list.lastElementChild?.querySelector("input");
    fields?.focus();
  }

  #tell() {
    this.changed({ parts: structuredClone(this.#parts) });
  }

  #paint() {
    this.list.replaceChildren(...this.#parts.map((part) => this.#item(part)));
    this.empty.hidden = this.#parts.length > 0;
  }

  /** @param {WiredPart} part */
  #item(part) {
    const kind = this.kinds.find(({ name }) => name === part.kind);
    const name = make("input", { class: "text-field", value: part.name, maxlength: 32, "aria-label": text("live.wiring_name") });
    name.addEventListener("change", () => { part.name = name.value.trim(); this.#tell(); });
    const remove = make("button", { type: "button", class: "button quiet", "aria-label": text("live.wiring_remove", { part: part.name }) }, "×");
    remove.addEventListener("click", () => {
      this.#parts = this.#parts.filter((other) => other !== part);
      this.#tell();
      this.#paint();
      this.add.focus();
    });
    const settings = (kind?.settings ?? []).map((setting) => this.#setting(part, setting));
    return make("li", { class: "wiring-part" },
      make("div", { class: "wiring-head" }, make("strong", {}, kind?.label ?? part.kind), name, remove),
      make("div", { class: "wiring-fields" }, ...(kind?.roles ?? []).map((role) => this.#pin(part, role))),
      ...(settings.length > 0 ? [make("details", {}, make("summary", {}, text("live.wiring_settings")), make("div", { class: "wiring-fields" }, ...settings))] : []));
  }

  /** @param {WiredPart} part @param {Role} role */
  #pin(part, role) {
    const select = make("select", { class: "select" },
      ...(role.optional || part.pins[role.key] === undefined ? [make("option", { value: "" }, "–")] : []),
      ...PINS.filter((pin) => role.needs !== "analog" || pin < ANALOG_PINS).map((pin) => make("option", { value: pin }, `GPIO ${pin}`)));
    select.value = String(part.pins[role.key] ?? "");
    select.addEventListener("change", () => {
      if (select.value === "") delete part.pins[role.key];
      else part.pins[role.key] = Number(select.value);
      this.#tell();
    });
    return make("label", {}, role.key, select);
  }

  /** @param {WiredPart} part @param {Setting} setting */
  #setting(part, { key, allowed }) {
    if ("choice" in allowed) {
      const select = make("select", { class: "select" }, ...allowed.choice.map((word) => make("option", { value: word }, word)));
      select.value = String(part[key] ?? allowed.choice[0]);
      select.addEventListener("change", () => { part[key] = select.value; this.#tell(); });
      return make("label", {}, key, select);
    }
    const { min, max, default: usual } = allowed.amount;
    const input = make("input", { class: "text-field", type: "number", min, max, value: Number(part[key] ?? usual) });
    input.addEventListener("change", () => {
      if (!input.checkValidity() || input.value === "") return;
      part[key] = Math.round(Number(input.value));
      this.#tell();
    });
    return make("label", {}, key, input);
  }
}
