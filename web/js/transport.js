/**
 * The one seam between the page and whatever carries its board: commands are sent, events are streamed. For each path
 * and each topic it is either the server over HTTP, or a worker of this tab over a port; who sends and who listens does
 * not know which.
 * @module
 */

/** The paths that a board answers, wherever it is. */
const BOARD_PATHS = new Set(["/api/run", "/api/stop", "/api/reset", "/api/pause", "/api/speed", "/api/set", "/api/part", "/api/pins", "/api/files", "/api/console"]);

/** The paths of what takes a while beside the board. */
const JOB_PATHS = /^\/api\/lessons\/[^/]+\/(check|explore|explore\/at|explore\/cancel)$/;

/** What a board tells, wherever it is. */
const BOARD_TOPICS = new Set(["board", "sample", "event", "console", "run", "mistake", "parts"]);

/** What is told of jobs; all else is the server's. */
const JOB_TOPICS = new Set(["check", "explore"]);

/** A page that is hidden for longer hears of nothing until it is seen again. */
const HIDDEN_MS = 20_000;

/** A stream that was refused is asked for again after this. */
const AGAIN_MS = 4000;

const JSON_HEADERS = { "content-type": "application/json", accept: "application/json" };

/** The host could not be reached at all. */
export class Unreachable extends Error {}

/**
 * @typedef {{ ok: boolean, status: number, answer: any }} Reply `answer` is an object, or null where nothing was said
 * @typedef {{ send: (path: string, body: object) => Promise<Reply>, listen: (topics: Set<string>, heard: Heard) => void }} Place
 * @typedef {{ board: Place, jobs: Place }} Tab
 * @typedef {(topic: string, detail: any) => void} Heard
 * @typedef {{ close: () => void }} Stream
 */

/**
 * Who keeps the learner's work and answers all that the tab does not: the server, or on a site without one, the browser.
 * `leave` sends what is to outlive the page.
 * @typedef {{ send: (method: string, path: string, body: object) => Promise<Reply>, leave: (path: string, body: object) => void,
 *   stream: (path: string, topics: string[], heard: Heard, linked: (open: boolean) => void) => Stream }} Home
 */

/** @type {Home} */
const SERVER = {
  async send(method, path, body) {
    /** @type {Response} */
    let response;
    try {
      response = await fetch(path, { method, headers: JSON_HEADERS, body: JSON.stringify(body) });
    } catch (cause) {
      throw new Unreachable("no answer", { cause });
    }
    const answer = response.status === 204 ? null : await response.json().catch(() => null);
    return { ok: response.ok, status: response.status, answer };
  },
  leave(path, body) {
    void fetch(path, { method: "PUT", keepalive: true, headers: JSON_HEADERS, body: JSON.stringify(body) });
  },
  stream(path, topics, heard, linked) {
    /** @type {EventSource | null} */
    let source = null;
    let last = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const open = () => {
      const opened = new EventSource(last === "" ? path : `${path}${path.includes("?") ? "&" : "?"}last=${last}`);
      source = opened;
      for (const topic of topics) {
        opened.addEventListener(topic, (event) => {
          last = event.lastEventId;
          heard(topic, JSON.parse(event.data));
        });
      }
      opened.addEventListener("open", () => linked(true));
      opened.addEventListener("error", () => {
        linked(false);
        // A browser comes back by itself to a server that is away, but not to one that refused it for the moment.
        if (opened.readyState === EventSource.CLOSED && source === opened) later(open, AGAIN_MS);
      });
    };
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = null;
    };
    /** @param {() => void} due @param {number} ms */
    const later = (due, ms) => {
      clearTimeout(timer);
      timer = setTimeout(due, ms);
    };
    // A page that nobody looks at takes none of the few connections that a browser has to a host, and its learner is away.
    const seen = () => {
      if (document.visibilityState === "hidden") later(close, HIDDEN_MS);
      else if (source === null) open();
      else clearTimeout(timer);
    };
    document.addEventListener("visibilitychange", seen);
    open();
    return {
      close: () => {
        document.removeEventListener("visibilitychange", seen);
        close();
      },
    };
  },
};

/** @type {Tab | null} */
let tab = null;
let home = SERVER;

/** From now on there is no server. Call it before anything is sent. @param {Home} here */
export function useHome(here) {
  home = here;
}

/** From now on the board and its jobs are in this tab. Call it before the first stream is opened. @param {Tab} here */
export function useTab(here) {
  tab = here;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} body
 * @returns {Promise<Reply>}
 * @throws {Unreachable}
 */
export async function send(method, path, body) {
  if (tab !== null && BOARD_PATHS.has(path)) return tab.board.send(path, body);
  if (tab !== null && JOB_PATHS.test(path)) return tab.jobs.send(path, body);
  return home.send(method, path, body);
}

/** Sends what is to be kept while the page goes away. @param {string} path @param {object} body */
export function leave(path, body) {
  home.leave(path, body);
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
  const of = (/** @type {Set<string>} */ told) => new Set(tab === null ? [] : topics.filter((topic) => told.has(topic)));
  const [board, jobs] = [of(BOARD_TOPICS), of(JOB_TOPICS)];
  tab?.board.listen(board, heard);
  tab?.jobs.listen(jobs, heard);
  const others = topics.filter((topic) => !board.has(topic) && !jobs.has(topic));
  return home.stream(tab === null ? path : `${path}${path.includes("?") ? "&" : "?"}board=tab`, others, heard, linked);
}
