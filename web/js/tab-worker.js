/**
 * The worker with the live board: fetches module, firmware and lessons, boots the board, and paces it. What it is sent
 * and what it tells stands in `tab-board.js`.
 * @module
 */
import { fetched, loadTab } from "./tab-load.js";
import { TabPacer } from "./tab-pacer.js";

const { port1: bell, port2: ring } = new MessageChannel();
/** @type {(() => void)[]} */
const waiting = [];
bell.onmessage = () => { for (const due of waiting.splice(0)) due(); };

const CLOCK = {
  now: () => performance.now(),
  later: (/** @type {() => void} */ due, /** @type {number} */ ms) => Number(setTimeout(due, ms)),
  cancel: (/** @type {number} */ id) => clearTimeout(id),
  soon: (/** @type {() => void} */ due) => { waiting.push(due); ring.postMessage(null); },
};

/** @type {TabPacer | null} */
let pacer = null;
/** What names the firmware's functions, loaded with the first look at the pins. @type {(() => Promise<void>) | null} */
let learn = null;
/** @type {Promise<void> | null} */
let learned = null;

addEventListener("message", (/** @type {MessageEvent} */ { data }) => {
  guarded(() => {
    if ("addresses" in data) void start(data.addresses).catch(fail);
    else {
      const carryOut = () => guarded(() => pacer?.command(data.ticket, data.path, data.body));
      if (data.path === "/api/pins" && learn !== null) learned ??= learn();
      // Whatever is asked after the first look at the pins comes after it: a run is recorded from its beginning.
      if (learn !== null && learned !== null) void learned.then(carryOut);
      else carryOut();
    }
  });
});

/** @param {import("./tab-load.js").Addresses} addresses */
async function start({ symbols, ...addresses }) {
  const tab = await loadTab(addresses, stage);
  learn = async () => {
    try {
      if (symbols !== undefined) tab.loadSymbols(new Uint8Array(await (await fetched(symbols)).arrayBuffer()));
    } catch (error) {
      // Edges are seen without names.
      console.warn(error);
    }
    learn = null;
  };
  pacer = new TabPacer({
    step: (now_ms) => tab.step(now_ms),
    command: (now_ms, command) => tab.command(now_ms, command),
  }, { ...CLOCK, later: (due, ms) => CLOCK.later(() => guarded(due), ms), soon: (due) => CLOCK.soon(() => guarded(due)) }, (told) => postMessage({ told }));
  stage("ready");
  pacer.start();
}

/** @param {import("./tab-load.js").Stage | "ready"} name */
function stage(name) {
  postMessage({ stage: name });
}

/** @param {() => void} work */
function guarded(work) {
  try {
    work();
  } catch (error) {
    fail(error);
  }
}

/** The board is of no more use; the page says so. @param {unknown} error */
function fail(error) {
  pacer?.end();
  pacer = null;
  console.error(error);
  postMessage({ broken: String(error) });
}
