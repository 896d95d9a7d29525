/**
 * The server's events, put on the page's bus. The browser reconnects by itself and names the last
 * event it has seen; the server sends what was missed, or says how much is gone.
 * @module
 */

const TOPICS = /** @type {const} */ (["board", "boards", "sample", "event", "console", "run", "outcome", "check", "explore", "notice", "gap"]);

export class LiveStream {
  /**
   * @param {import("./bus.js").Bus} bus
   * @param {string} path
   */
  constructor(bus, path = "/events") {
    const source = new EventSource(path);
    for (const topic of TOPICS) {
      source.addEventListener(topic, (event) => {
        const detail = JSON.parse(event.data);
        // The host keeps what happened in a field of its own; the board's frame has it flat.
        bus.emit(topic, topic === "event" && detail.what ? { ...detail, ...detail.what } : detail);
      });
    }
    source.addEventListener("open", () => bus.emit("link", { open: true }));
    source.addEventListener("error", () => bus.emit("link", { open: false }));
    addEventListener("pagehide", () => source.close());
    // A page taken out of the browser's back-forward store has a closed stream: load it anew.
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }
}
