/**
 * Predictions on the wall: one mark for each answer, hollow before talking and full after it; no names, and nothing that is
 * right before the board has said so.
 * @module
 */
import { Trouble, post } from "./api.js";
import { startPage } from "./app.js";
import { readData, text } from "./catalogue.js";
import { followHosted } from "./class-live.js";
import { icon, inline, make, one, setText } from "./dom.js";
import { shown } from "./counters.js";
import { TroubleSlot } from "./trouble-slot.js";

const bus = startPage();
const wall = one(document, "[data-wall]", HTMLElement);
new TroubleSlot(one(wall, "[data-trouble]", HTMLElement), bus);
/** @type {{ id: number, lessons: import("./class-types.js").ClassLesson[] }} */
const data = readData("class-data");
const base = `/api/classes/${data.id}`;
const choice = one(wall, "[data-wall-choice]", HTMLSelectElement);
const [decide, again, close] = ["[data-decide]", "[data-again]", "[data-close]"].map((selector) => one(wall, selector, HTMLButtonElement));
const answers = one(wall, "[data-wall-answers]", HTMLElement);
let deciding = false;
/** @type {import("./class-types.js").GridHead | null} */
let newest = null;

for (const lesson of data.lessons) {
  for (const question of lesson.questions) {
    choice.append(make("option", { value: JSON.stringify([lesson.slug, question.id]) }, `${lesson.id} ${question.question.replaceAll("`", "")}`));
  }
}

/** @param {string} path @param {object} [body] */
async function command(path, body) {
  bus.emit("trouble", null);
  try {
    await post(path, body);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    bus.emit("trouble", error);
  }
}

one(wall, "[data-wall-ask]", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const [lesson, prediction] = JSON.parse(choice.value);
  void command(`${base}/tell`, { tell: "ask", lesson, prediction });
});
again.addEventListener("click", () => command(`${base}/tell`, { tell: "again" }));
close.addEventListener("click", () => command(`${base}/tell`, { tell: "close" }));
decide.addEventListener("click", async () => {
  if (deciding) return;
  deciding = true;
  decide.setAttribute("aria-disabled", "true");
  setText(one(wall, "[data-wall-count]", HTMLElement), text("room.deciding"));
  await command(`${base}/decide`);
  deciding = false;
  decide.removeAttribute("aria-disabled");
  if (newest) follow(newest);
});
wall.addEventListener("keydown", (event) => {
  if (event.target !== wall) return;
  if (event.key === " ") {
    event.preventDefault();
    if (!again.hidden) again.click();
    else if (!decide.hidden) decide.click();
  }
  if (event.key === "r" || event.key === "R") decide.click();
});

bus.on("grid", ({ head }) => follow(head));

/** @param {import("./class-types.js").GridHead} head */
function follow(head) {
  newest = head;
  setText(one(wall, "[data-pin]", HTMLElement), head.pin);
  const { question } = head;
  one(wall, "[data-wall-ask]", HTMLElement).hidden = question !== null;
  one(wall, "[data-wall-actions]", HTMLElement).hidden = question === null;
  if (question === null) {
    answers.replaceChildren();
    one(wall, "[data-wall-after]", HTMLElement).hidden = true;
    setText(one(wall, "[data-wall-question]", HTMLElement), text("room.wall_none"));
    setText(one(wall, "[data-wall-count]", HTMLElement), "");
    return;
  }
  show(question, head.seats.length);
}

/**
 * @param {NonNullable<import("./class-types.js").GridHead["question"]>} question
 * @param {number} learners
 */
function show({ asked, phase, tally, decided }, learners) {
  const title = one(wall, "[data-wall-question]", HTMLElement);
  if (title.dataset.n !== String(asked.n)) title.replaceChildren(...inline(asked.question));
  title.dataset.n = String(asked.n);
  setText(one(wall, "[data-wall-lesson]", HTMLElement), asked.title);
  const talked = phase === "after" || tally.answered[1] > 0;
  answers.replaceChildren(...asked.options.map(({ key, text: words }) => {
    const right = decided?.right === key;
    return make("section", { class: right ? "wall-answer right" : "wall-answer" },
      make("h2", {}, ...(right ? [icon("holds")] : []), make("span", {}, ...inline(words))),
      make("div", { class: "wall-rows" },
        row(text("room.before"), tally.before[key] ?? 0, "hollow"),
        ...(talked ? [row(text("room.after"), tally.after[key] ?? 0, "full")] : [])));
  }));
  again.hidden = phase !== "before";
  decide.hidden = phase === "answered";
  const after = one(wall, "[data-wall-after]", HTMLElement);
  after.hidden = decided === null;
  if (decided) {
    const numbers = Object.entries(decided.values).map(([name, value]) => `\`${name}\` = ${typeof value === "number" ? shown(name, value) : value}`).join(", ");
    after.replaceChildren(...inline(`${numbers}. ${asked.after ?? ""}`));
  }
  const [before, afterwards, both] = tally.answered;
  if (!deciding) setText(one(wall, "[data-wall-count]", HTMLElement), talked ? text("room.answered_twice", { n: both, of: Math.max(learners, before, afterwards) }) : text("room.answered", { n: before, of: Math.max(learners, before) }));
}

/** @param {string} words @param {number} count @param {string} look */
function row(words, count, look) {
  const marks = Array.from({ length: Math.min(count, 60) }, () => make("i", { class: `answer-mark ${look}` }));
  return make("p", { class: `wall-row ${look}` }, make("span", { class: "wall-when" }, words), make("span", { class: "answer-marks", "aria-hidden": "true" }, ...marks), make("strong", {}, String(count)));
}

followHosted(bus, data.id);
