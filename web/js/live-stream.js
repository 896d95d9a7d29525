/**
 * The events of server and board, put on the page's bus. A stream that broke comes back by itself; the server then sends
 * what was missed, or says how much is gone.
 * @module
 */
import { stream } from "./transport.js";

const TOPICS = /** @type {const} */ (["board", "boards", "sample", "event", "console", "run", "mistake", "parts", "outcome", "check", "proof", "explore", "notice", "gap", "class", "grid"]);

export class LiveStream {
  /**
   * @param {import("./bus.js").Bus} bus
   * @param {string} path
   * @param {(topic: string, detail: any) => boolean} shows what this page shows of it
   */
  constructor(bus, path = "/events", shows = () => true) {
    const live = stream(path, TOPICS, (topic, detail) => {
      if (!shows(topic, detail)) return;
      // The host keeps what happened in a field of its own; the board's frame has it flat.
      const flat = topic === "event" && detail.what ? { ...detail, ...detail.what } : detail;
      bus.emit(/** @type {typeof TOPICS[number]} */ (topic), flat);
    }, (open) => bus.emit("link", { open }));
    addEventListener("pagehide", () => live.close());
    // A page taken out of the browser's back-forward store has a closed stream: load it anew.
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }
}
