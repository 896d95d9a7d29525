/**
 * Commands to the server or to the board: each is answered with what happened or with what to try.
 * @module
 */
import { text } from "./catalogue.js";
import * as transport from "./transport.js";

/** A refusal in the visitor's language: what happened, what to try, a stable code. */
export class Trouble extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {string} hint
   */
  constructor(code, message, hint) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/**
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 * @throws {Trouble}
 */
export function post(path, body = {}) {
  return send("POST", path, body);
}

/**
 * @param {string} path
 * @param {object} body
 * @returns {Promise<any>}
 * @throws {Trouble}
 */
export function put(path, body) {
  return send("PUT", path, body);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} body
 */
export async function send(method, path, body) {
  /** @type {import("./transport.js").Reply} */
  let reply;
  try {
    reply = await transport.send(method, path, body);
  } catch (error) {
    if (!(error instanceof transport.Unreachable)) throw error;
    throw new Trouble("E-SERVER-AWAY", text("live.server_away"), text("live.server_away_hint"));
  }
  if (reply.ok) return reply.answer;
  const error = reply.answer?.error;
  throw new Trouble(error?.code ?? `E-HTTP-${reply.status}`, error?.message ?? text("live.request_failed"), error?.hint ?? text("live.request_failed_hint"));
}
