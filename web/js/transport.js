/**
 * The one seam between the page and whatever carries its board: commands are sent, events are streamed. For each path
 * and each topic it is either the server over HTTP, or a worker of this tab over a port; who sends and who listens does
 * not know which.
 * @module
 */

/** The paths that a board answers, wherever it is. */
const BOARD_PATHS = new Set(["/api/run", "/api/stop", "/api/reset", "/api/pause", "/api/speed", "/api/set", "/api/part", "/api/console"]);

/** What a board tells, wherever it is; all else is the server's. */
const BOARD_TOPICS = new Set(["board", "sample", "event", "console", "run", "parts"]);

/** The host could not be reached at all. */
export class Unreachable extends Error {}

/**
 * @typedef {{ ok: boolean, status: number, answer: any }} Reply `answer` is an object, or null where nothing was said
 * @typedef {{ send: (path: string, body: object) => Promise<Reply>, listen: (topics: Set<string>, heard: Heard) => void }} TabBoard
 * @typedef {(topic: string, detail: any) => void} Heard
 * @typedef {{ close: () => void }} Stream
 */

/** @type {TabBoard | null} */
let tab = null;

/** From now on the board is in this tab. Call it before the first stream is opened. @param {TabBoard} board */
export function useTab(board) {
  tab = board;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} body
 * @returns {Promise<Reply>}
 * @throws {Unreachable}
 */
export async function send(method, path, body) {
  if (tab !== null && BOARD_PATHS.has(path)) return tab.send(path, body);
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch (cause) {
    throw new Unreachable("no answer", { cause });
  }
  const answer = response.status === 204 ? null : await response.json().catch(() => null);
  return { ok: response.ok, status: response.status, answer };
}

/**
 * Opens a stream of events. The browser reconnects to the server by itself and names the last event it has seen.
 * @param {string} path of the server's stream
 * @param {readonly string[]} topics
 * @param {Heard} heard
 * @param {(open: boolean) => void} linked whether the server is there
 * @returns {Stream}
 */
export function stream(path, topics, heard, linked) {
  const here = new Set(tab === null ? [] : topics.filter((topic) => BOARD_TOPICS.has(topic)));
  tab?.listen(here, heard);
  const source = new EventSource(path);
  for (const topic of topics.filter((topic) => !here.has(topic))) {
    source.addEventListener(topic, (event) => heard(topic, JSON.parse(event.data)));
  }
  source.addEventListener("open", () => linked(true));
  source.addEventListener("error", () => linked(false));
  return { close: () => source.close() };
}
