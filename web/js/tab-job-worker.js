/**
 * The worker for checks and explorations: a board of its own, and one job after the other. Each goes on from its beginning
 * to its end; whoever wants it to end earlier ends the worker. What it is sent and what it tells stands in `tab-jobs.js`.
 * @module
 */
import { loadTab } from "./tab-load.js";
import { TabRefusal } from "./tab-module.js";

/** How often the page hears of the progress. */
const PROGRESS_INTERVAL_MS = 100;

let told = 0;
/** @type {Promise<import("./tab-module.js").TabModule> | null} */
let loading = null;

addEventListener("message", (/** @type {MessageEvent} */ { data }) => {
  if ("addresses" in data) loading = loadTab(data.addresses, undefined, tell);
  else void carryOut(data);
});

/** @param {{ ticket: number, path: string, body: object }} job */
async function carryOut({ ticket, path, body }) {
  try {
    const tab = await loading;
    if (tab === null) throw new Error("a job came before the addresses");
    postMessage({ ticket, body: JSON.parse(tab.job({ path, body })) });
  } catch (error) {
    if (error instanceof TabRefusal) {
      const { code, message, hint } = error;
      postMessage({ ticket, error: { code, message, hint } });
    } else {
      console.error(error);
      postMessage({ broken: String(error) });
    }
  }
}

/** @param {{ name: string, data: any }} event */
function tell(event) {
  const now = performance.now();
  if (now - told < PROGRESS_INTERVAL_MS) return;
  told = now;
  postMessage(event);
}
