/**
 * Commands to the server: a POST each, answered with what happened or with what to try.
 * @module
 */
import { text } from "./catalogue.js";

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
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Trouble("E-SERVER-AWAY", text("live.server_away"), text("live.server_away_hint"));
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const error = answer?.error;
  throw new Trouble(error?.code ?? `E-HTTP-${response.status}`, error?.message ?? text("live.request_failed"), error?.hint ?? text("live.request_failed_hint"));
}
