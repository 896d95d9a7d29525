/**
 * CodeMirror, dressed for the bench: ink only, keywords bold, comments pale; a line that is
 * dangerous gets a hatched gutter, a wavy line and one sentence. Fetched when first needed.
 *
 * It lives in a shadow root, because there its style sheets are adopted and the page's strict
 * content security policy needs no exception.
 * @module
 */
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, GutterMarker, WidgetType, drawSelection, gutter, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { make } from "./dom.js";
import { fetched } from "./fetched.js";

const INK = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword, tags.moduleKeyword, tags.bool, tags.null], fontWeight: "700" },
  { tag: tags.comment, color: "var(--ink3)" },
]);

const THEME = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--sunk)", fontSize: "var(--code-size, 13px)" },
  "&.cm-focused": { outline: "3px solid var(--focus)", outlineOffset: "-3px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "var(--code-line, 22px)", fontVariantLigatures: "none", height: "var(--editor-height, 480px)", overflow: "auto" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 16px 0 8px" },
  ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--ink2)", border: "0" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "36px", padding: "0 8px 0 4px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLineGutter": { color: "var(--ink)", fontWeight: "700" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "& .cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: "var(--rule)" },
  ".cm-matchingBracket": { backgroundColor: "transparent", outline: "1px solid var(--edge)" },
  ".cm-selectionMatch": { backgroundColor: "var(--rule)" },
  ".cm-hazard-gutter": { width: "6px" },
  ".cm-hazard-gutter .cm-gutterElement.hazard": { background: "repeating-linear-gradient(45deg, var(--lost-edge) 0 1.5px, transparent 1.5px 4px)" },
  ".cm-hazard": { backgroundColor: "var(--lost-soft)" },
  ".cm-hazard-code": { textDecoration: "underline wavy var(--lost-edge) 1px", textUnderlineOffset: "4px" },
  ".cm-hazard-note": { backgroundColor: "var(--lost-soft)", color: "var(--ink)", fontFamily: "var(--sans)", padding: "2px 16px 4px 8px", whiteSpace: "normal", maxWidth: "calc(100vw - 84px)" },
  ".cm-failed": { backgroundColor: "var(--lost-soft)", boxShadow: "inset 3px 0 0 var(--lost-edge)" },
  ".cm-failed-note": { color: "var(--lost-text)", fontWeight: "600" },
  ".cm-panels": { backgroundColor: "var(--panel)", color: "var(--ink)" },
  ".cm-panels input, .cm-panels button": { font: "inherit", color: "var(--ink)", background: "var(--panel)", border: "1px solid var(--edge)", borderRadius: "4px" },
});

/** What finds words, fetched when somebody wants to find some. */
const SEARCH = new Compartment();

/** @param {EditorView} view */
async function search(view) {
  const { highlightSelectionMatches, openSearchPanel, searchKeymap } = await fetched(() => import("@codemirror/search"));
  view.dispatch({ effects: SEARCH.reconfigure([keymap.of(searchKeymap), highlightSelectionMatches()]) });
  openSearchPanel(view);
}

/** A line below a line: what is dangerous there, or what failed. */
class HazardNote extends WidgetType {
  /**
   * @param {string} words
   * @param {string} kind
   */
  constructor(words, kind = "cm-hazard-note") {
    super();
    this.words = words;
    this.kind = kind;
  }

  /** @param {WidgetType} other */
  eq(other) {
    return other instanceof HazardNote && other.words === this.words && other.kind === this.kind;
  }

  toDOM() {
    return make("div", { class: this.kind, role: "note" }, `▲ ${this.words}`);
  }
}

const HAZARD_MARKER = new (class extends GutterMarker {
  elementClass = "hazard";
})();

/** @typedef {{ line: string, text: string }} Hazard */

/** Other lines are dangerous from now on. @type {import("@codemirror/state").StateEffectType<Hazard[]>} */
const WARN = StateEffect.define();
/** Another line failed, or none. @type {import("@codemirror/state").StateEffectType<import("./editor.js").Marked>} */
const MARK = StateEffect.define();

/** The line that failed, until it is run again; it moves with the text around it. */
const FAILED = StateField.define({
  create: () => Decoration.none,
  update: (decorations, transaction) => {
    let now = decorations.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(MARK)) now = failedDecorations(transaction.state, effect.value);
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/**
 * @param {EditorState} state
 * @param {import("./editor.js").Marked} marked
 */
function failedDecorations(state, marked) {
  if (marked === null || marked.line < 1 || marked.line > state.doc.lines) return Decoration.none;
  const line = state.doc.line(marked.line);
  return Decoration.set([
    Decoration.line({ class: "cm-failed" }).range(line.from),
    Decoration.widget({ widget: new HazardNote(marked.words, "cm-hazard-note cm-failed-note"), block: true, side: 1 }).range(line.to),
  ]);
}

/**
 * Lines of the program that a hazard speaks of.
 * @param {EditorState} state
 * @param {Hazard[]} hazards
 */
function hazardLines(state, hazards) {
  const found = [];
  for (let number = 1; number <= state.doc.lines; number += 1) {
    const line = state.doc.line(number);
    const code = line.text.replace(/#.*/, "").trim();
    const hazard = code === "" ? undefined : hazards.find((candidate) => code.includes(candidate.line.trim()));
    if (hazard) found.push({ line, hazard });
  }
  return found;
}

/**
 * @param {Hazard[]} hazards
 * @param {EditorState} state
 */
function hazardDecorations(hazards, state) {
  /** @type {RangeSetBuilder<Decoration>} */
  const builder = new RangeSetBuilder();
  for (const { line, hazard } of hazardLines(state, hazards)) {
    const indent = line.text.length - line.text.trimStart().length;
    builder.add(line.from, line.from, Decoration.line({ class: "cm-hazard" }));
    builder.add(line.from + indent, line.to, Decoration.mark({ class: "cm-hazard-code" }));
    builder.add(line.to, line.to, Decoration.widget({ widget: new HazardNote(hazard.text), block: true, side: 1 }));
  }
  return builder.finish();
}

/**
 * @param {HTMLElement} host
 * @param {{ program: string, editable: boolean, label: string, hazards: Hazard[], changed: (program: string) => void, run: () => void }} options
 * @returns {import("./editor.js").CodeEditor}
 */
export function createCodeEditor(host, { program, editable, label, hazards, changed, run }) {
  const root = host.attachShadow({ mode: "open" });
  const writable = new Compartment();
  /** @param {boolean} yes */
  const access = (yes) => [EditorState.readOnly.of(!yes), EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": String(!yes), tabindex: "0" })];
  let quiet = false;
  let warned = hazards;
  const hazardField = StateField.define({
    create: (state) => hazardDecorations(warned, state),
    update: (decorations, transaction) => (transaction.docChanged || transaction.effects.some((effect) => effect.is(WARN)) ? hazardDecorations(warned, transaction.state) : decorations),
    provide: (field) => EditorView.decorations.from(field),
  });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: program,
      extensions: [
        lineNumbers(),
        gutter({
          class: "cm-hazard-gutter",
          markers: (current) => {
            /** @type {RangeSetBuilder<GutterMarker>} */
            const builder = new RangeSetBuilder();
            for (const { line } of hazardLines(current.state, warned)) builder.add(line.from, line.from, HAZARD_MARKER);
            return builder.finish();
          },
        }),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of("    "),
        bracketMatching(),
        closeBrackets(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        pythonLanguage,
        syntaxHighlighting(INK),
        THEME,
        hazardField,
        FAILED,
        writable.of(access(editable)),
        // Tab indents; Escape, then Tab, leaves the editor (CodeMirror's own rule).
        keymap.of([{ key: "Mod-Enter", run: () => { run(); return true; } }, ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        SEARCH.of(keymap.of([{ key: "Mod-f", run: (view) => { void search(view); return true; } }])),
        EditorView.updateListener.of((update) => { if (update.docChanged && !quiet) changed(update.state.doc.toString()); }),
      ],
    }),
  });
  return {
    get: () => view.state.doc.toString(),
    set: (text, yes) => {
      quiet = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, effects: writable.reconfigure(access(yes)) });
      quiet = false;
    },
    focusLine: (number) => {
      const line = view.state.doc.line(Math.min(Math.max(1, number), view.state.doc.lines));
      view.dispatch({ selection: { anchor: line.from }, scrollIntoView: true });
      view.focus();
    },
    mark: (marked) => {
      view.dispatch({ effects: MARK.of(marked) });
      if (marked === null || marked.line < 1 || marked.line > view.state.doc.lines) return;
      // Within the editor only: the page stays where the visitor reads.
      const { top } = view.lineBlockAt(view.state.doc.line(marked.line).from);
      view.scrollDOM.scrollTop = top - view.scrollDOM.clientHeight / 2;
    },
    warn: (lines) => {
      warned = lines;
      view.dispatch({ effects: WARN.of(lines) });
    },
  };
}
