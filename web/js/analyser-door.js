/**
 * The door of the logic analyser: nothing of it is loaded, and no pin is recorded, before somebody opens it.
 * @module
 */
import { fetched } from "./fetched.js";

/**
 * @param {HTMLDetailsElement} panel
 * @param {import("./bench-model.js").BenchModel} model
 */
export function openOnDemand(panel, model) {
  /** @type {Promise<import("./analyser.js").Analyser> | null} */
  let analyser = null;
  panel.addEventListener("toggle", async () => {
    analyser ??= fetched(() => import("./analyser.js")).then(({ Analyser }) => new Analyser(panel, model));
    (await analyser).shows(panel.open);
  });
}
