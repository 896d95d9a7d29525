/**
 * How often something was lost in the visitor's own runs of the lesson's program with given
 * settings, all such runs on this version of the board taken together.
 * @module
 */

/**
 * @param {import("./types.js").LessonData} lesson
 * @param {import("./types.js").Outcome[]} outcomes
 * @param {import("./types.js").Settings} settings those that matter
 * @returns {{ part: number, whole: number } | null} null where nothing was measured
 */
export function measuredShare(lesson, outcomes, settings) {
  const { bar } = lesson.outcome;
  if (bar === null) return null;
  let [part, whole] = [0, 0];
  for (const outcome of outcomes) {
    if (outcome.lesson !== lesson.slug || outcome.program === "own" || outcome.earlier) continue;
    if (Object.entries(settings).some(([name, value]) => outcome.settings[name] !== value)) continue;
    const [lost, all] = [outcome.values[bar.value], outcome.values[bar.shareOf]];
    if (typeof lost !== "number" || typeof all !== "number") continue;
    part += lost;
    whole += all;
  }
  return whole === 0 ? null : { part, whole };
}
