/**
 * Fields for the controls of a lesson, on a host's pages, and what is set in them.
 * @module
 */
import { make } from "./dom.js";

/**
 * @param {import("./types.js").ControlData[]} controls
 * @param {string} prefix of the fields' ids
 * @returns {HTMLElement[]}
 */
export function settingFields(controls, prefix) {
  return controls.map(({ name, label, unit, value, options }) => {
    const id = `${prefix}-${name}`;
    const field = options.length > 0
      ? make("select", { id, class: "select", "data-setting": name }, ...options.map((option) => make("option", { value: option.value, selected: option.value === value }, option.label)))
      : make("input", { id, class: "text-field", type: "number", "data-setting": name, value });
    return make("div", { class: "class-field" }, make("label", { for: id }, unit ? `${label} (${unit})` : label), field);
  });
}

/** @param {ParentNode} root @returns {import("./types.js").Settings} */
export function settingsIn(root) {
  /** @type {import("./types.js").Settings} */
  const settings = {};
  for (const field of root.querySelectorAll("[data-setting]")) {
    if (field instanceof HTMLSelectElement) settings[field.dataset.setting ?? ""] = field.value;
    else if (field instanceof HTMLInputElement) settings[field.dataset.setting ?? ""] = Number(field.value);
  }
  return settings;
}
