/**
 * What answers in the server's place on a site without one: the learner's work is kept in this browser, and nobody else
 * tells anything.
 * @module
 */
import { text } from "./catalogue.js";
import { SiteStore, withCheck, withOutcome } from "./site-store.js";

/** @typedef {import("./transport.js").Reply} Reply */

export class SiteHome {
  store = new SiteStore();
  /** @type {import("./transport.js").Heard[]} */
  #listeners = [];

  /**
   * @param {string} method
   * @param {string} path
   * @param {any} body
   * @returns {Promise<Reply>}
   */
  async send(method, path, body) {
    const [, , , slug, what] = path.split("/");
    try {
      switch (`${method} ${what}`) {
        case "PUT work": {
          const { program, prediction, steps } = body;
          return done(await this.store.change(slug, (work) => ({ work: { ...work, program, prediction, steps }, answer: { saved: true } })));
        }
        case "POST outcomes": {
          const row = await this.store.change(slug, (before) => {
            const { row, work } = withOutcome(before, body, Math.floor(Date.now() / 1000));
            return { work, answer: row };
          });
          for (const heard of this.#listeners) heard("outcome", row);
          return done({ n: row.n });
        }
        case "DELETE outcomes":
          return done(await this.store.change(slug, (work) => ({ work: { ...work, outcomes: [] }, answer: { cleared: true } })));
        case "POST checks":
          // There is nobody who could run it again.
          return done(await this.store.change(slug, (work) => ({ work: withCheck(work, body), answer: { proof: "none" } })));
        default:
          return refused("site-needs-program", text("live.site_needs_program"), text("live.site_needs_program_hint"));
      }
    } catch (error) {
      console.error(error);
      return refused("site-not-kept", text("live.site_not_kept"), text("live.site_not_kept_hint"));
    }
  }

  /** @param {string} path @param {object} body */
  leave(path, body) {
    void this.send("PUT", path, body);
  }

  /**
   * @param {string} _path
   * @param {string[]} _topics
   * @param {import("./transport.js").Heard} heard
   * @param {(open: boolean) => void} linked
   */
  stream(_path, _topics, heard, linked) {
    this.#listeners.push(heard);
    linked(true);
    return { close: () => { this.#listeners = this.#listeners.filter((one) => one !== heard); } };
  }
}

/** @param {any} answer @returns {Reply} */
function done(answer) {
  return { ok: true, status: 200, answer };
}

/** @param {string} code @param {string} message @param {string} hint @returns {Reply} */
function refused(code, message, hint) {
  return { ok: false, status: 409, answer: { error: { code, message, hint } } };
}
