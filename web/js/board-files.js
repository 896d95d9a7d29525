/**
 * The files on the board: listed, opened, saved, deleted, taken up and down. Loaded when the panel is opened.
 * @module
 */
import { Trouble, post } from "./api.js";
import { text } from "./catalogue.js";
import { make, one, setText } from "./dom.js";
import { THIN, whole } from "./format.js";

const KIB = 1024;
/** The board runs it after a reset. */
const MAIN = "/main.py";
/** Bytes that are made into characters at once. */
const AT_ONCE = 4096;

/** @typedef {{ path: string, bytes: number }} Listed */

export class BoardFiles {
  /** Orders whose answers have not come, and the answer of the last of them. */
  #waiting = 0;
  #last = Promise.resolve(null);
  #stale = false;

  /**
   * @param {HTMLDetailsElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   * @param {() => string} program of the workshop
   */
  constructor(panel, model, program) {
    this.panel = panel;
    this.model = model;
    this.state = one(panel, "[data-files-state]", HTMLElement);
    this.list = one(panel, "[data-files-list]", HTMLElement);
    this.said = one(panel, "[data-files-said]", HTMLElement);
    this.editor = one(panel, "[data-file-editor]", HTMLFormElement);
    this.name = one(panel, "[data-file-name]", HTMLInputElement);
    this.contents = one(panel, "[data-file-text]", HTMLTextAreaElement);
    one(panel, "[data-files-main]", HTMLButtonElement).addEventListener("click", () => { void this.#write(MAIN, bytesOf(program())); });
    one(panel, "[data-files-new]", HTMLButtonElement).addEventListener("click", () => this.#edit("", ""));
    one(panel, "[data-file-close]", HTMLButtonElement).addEventListener("click", () => this.#edit(null, ""));
    this.editor.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#write(this.name.value, bytesOf(this.contents.value));
    });
    const upload = one(panel, "[data-files-upload]", HTMLInputElement);
    upload.addEventListener("change", async () => {
      for (const file of upload.files ?? []) await this.#write(file.name, new Uint8Array(await file.arrayBuffer()));
      upload.value = "";
    });
    // What a program has written is there when it is over.
    model.bus.on("run", (run) => { if (run.state === "ended") this.show(); });
    // A program that lets the board sleep deeply ends with a reset: the board cannot answer before it is up again.
    model.bus.on("board", (board) => { if (this.#stale && board.state === "ready") this.show(); });
  }

  /** Lists what is there, if somebody looks. */
  show() {
    if (!this.panel.open || this.model.running) return;
    this.#stale = ["booting", "running"].includes(this.model.board?.state ?? "");
    if (!this.#stale) void this.#do({ do: "list" });
  }

  /**
   * Asks the board, when all that it was asked before is answered; what stands there is listed when nothing else waits.
   * @param {{ do: string, path?: string, base64?: string }} order
   * @param {string} [done] what is said then
   * @returns {Promise<any>} the answer; `null`: there is none
   */
  #do(order, done) {
    if (order.do === "list" && this.#waiting > 0) {
      this.#stale = true;
      return Promise.resolve(null);
    }
    this.#waiting += 1;
    const answer = this.#last.then(() => this.#carryOut(order, done));
    this.#last = answer.then(() => null, () => null);
    return answer;
  }

  /** @param {{ do: string, path?: string, base64?: string }} order @param {string} [done] */
  async #carryOut(order, done) {
    try {
      const answer = await post("/api/files", order);
      if (done !== undefined) setText(this.said, done);
      if (order.do === "list") this.#list(answer);
      else this.#stale ||= order.do !== "read";
      return answer;
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      setText(this.said, `${error.message} ${error.hint}`);
      return null;
    } finally {
      this.#waiting -= 1;
      if (this.#stale && this.#waiting === 0) {
        this.#stale = false;
        this.show();
      }
    }
  }

  /** @param {{ files: Listed[], free: number, total: number }} answer */
  #list({ files, free, total }) {
    setText(this.state, text("live.files_free", { free: whole(free / KIB), total: whole(total / KIB) }));
    const items = files.map(({ path, bytes }) => {
      const button = (/** @type {string} */ key, /** @type {() => void} */ act) => {
        const made = make("button", { type: "button", class: "button quiet", "aria-label": `${text(key)}: ${path}` }, text(key));
        made.addEventListener("click", act);
        return made;
      };
      return make("li", {},
        make("span", { class: "file-path" }, path),
        make("span", { class: "file-note" }, path === MAIN ? text("live.files_at_start") : ""),
        make("span", { class: "file-size" }, size(bytes)),
        make("span", { class: "file-acts" },
          button("live.files_open", () => { void this.#open(path); }),
          button("live.files_download", () => { void this.#download(path); }),
          button("live.files_delete", () => { void this.#remove(path); })));
    });
    this.list.replaceChildren(...(items.length > 0 ? items : [make("li", { class: "empty" }, text("live.files_none"))]));
  }

  /** @param {string | null} path null closes @param {string} contents */
  #edit(path, contents) {
    this.editor.hidden = path === null;
    if (path === null) return;
    this.name.value = path;
    this.contents.value = contents;
    (path === "" ? this.name : this.contents).focus();
  }

  /** @param {string} path */
  async #open(path) {
    const answer = await this.#do({ do: "read", path });
    if (answer === null) return;
    try {
      this.#edit(path, new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(answer.base64)));
    } catch {
      setText(this.said, text("live.files_no_text", { path }));
    }
  }

  /** @param {string} path */
  async #download(path) {
    const answer = await this.#do({ do: "read", path });
    if (answer === null) return;
    const link = make("a", { href: URL.createObjectURL(new Blob([fromBase64(answer.base64)])), download: path.split("/").at(-1) ?? "file" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 0);
  }

  /** @param {string} path */
  async #remove(path) {
    if (confirm(text("live.files_really", { path }))) await this.#do({ do: "remove", path }, text("live.files_deleted", { path }));
  }

  /** @param {string} path @param {Uint8Array} bytes */
  async #write(path, bytes) {
    await this.#do({ do: "write", path, base64: toBase64(bytes) }, text("live.files_saved", { path, size: size(bytes.length) }));
  }
}

/** @param {string} contents */
function bytesOf(contents) {
  return new TextEncoder().encode(contents);
}

/** @param {number} bytes */
function size(bytes) {
  return bytes < KIB ? `${whole(bytes)}${THIN}B` : `${(bytes / KIB).toFixed(1)}${THIN}KiB`;
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let characters = "";
  for (let at = 0; at < bytes.length; at += AT_ONCE) characters += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return btoa(characters);
}

/** @param {string} base64 */
function fromBase64(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
