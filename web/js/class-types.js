/**
 * What the server tells of a class (`server/src/classes/told.rs`), as types only.
 * @module
 */

/** @typedef {{ n: number, text: string }} Note */

/**
 * A question to the class.
 * @typedef {{ n: number, lesson: string, title: string, question: string, after: string | null,
 *   options: { key: string, text: string }[] }} Asked
 */

/** @typedef {"before" | "after" | "answered"} Phase */

/**
 * What a learner's pages are told.
 * @typedef {{ gone?: boolean, class: number, title: string, name: string, ended: boolean, hand: boolean, eyes: boolean,
 *   solutions: boolean, goto: Note | null, message: Note | null, note: Note | null,
 *   push: { n: number, lesson: string, settings: import("./types.js").Settings, seed: number | null } | null,
 *   question: { asked: Asked, phase: Phase, said: string | null, right: string | null } | null }} ClassState
 */

/** @typedef {"hand" | "stuck" | "working" | "finished" | "away"} Group */

/**
 * A learner's row of the grid; a cell is six digits, then letters for how checks went.
 * @typedef {{ seat: number, name: string, group: Group, since: number, by_checks: boolean, lesson: string | null,
 *   step: string | null, failed: number, latest: { name: string, value: number | string } | null, cells: string[] }} GridRow
 */

/**
 * How many chose which answer.
 * @typedef {{ before: Record<string, number>, after: Record<string, number>, answered: [number, number, number] }} Tally
 */

/**
 * The class as its host sees it.
 * @typedef {{ title: string, pin: string, ended: number | null, eyes: boolean, solutions: boolean, message: Note | null,
 *   question: { asked: Asked, phase: Phase, tally: Tally, decided: { right: string, values: Record<string, number | string> } | null } | null,
 *   helpers: number, guessing: { failures: number, places: number } | null, seats: number[] }} GridHead
 */

/** @typedef {{ now: number, head: GridHead, rows: GridRow[] }} GridEvent */

/**
 * A lesson of the class, as a host's page knows it.
 * @typedef {{ slug: string, id: string, title: string, questions: { id: string, question: string }[],
 *   controls: import("./types.js").ControlData[], foretells: boolean }} ClassLesson
 */

/**
 * What everybody measured with one setting: the values themselves, or shares between 0 and 1 of another one.
 * @typedef {{ name: string, of: string | null, points: { value: number, seed: number }[], learners: number }} Sample
 */

export {};
