// What the buttons of a turn do. How a turn looks is templates/_turn.html alone.

import { parsed, request } from "./api.js";
import { element, isolated, page, say } from "./page.js";

const TOLD_MS = 2500;
let turnCount = 0;

/** Make the frame of a turn: its question, and room for what follows. */
export function turnFrame(question) {
  const frame = element("article", { class: "turn" }, element("h2", { class: "question" }, isolated(question)));
  label(frame);
  return frame;
}

// Each turn of a page is labelled by its own question.
function label(frame) {
  turnCount += 1;
  const heading = frame.querySelector(".question");
  heading.id = `question-${turnCount}`;
  frame.setAttribute("aria-labelledby", heading.id);
}

/** Show something below the question of a turn, in the place of what stands there. */
export function showBelow(frame, ...content) {
  frame.replaceChildren(frame.querySelector(".question"), ...content);
}

/** Fill a frame with the turn that the service has rendered; false when the markup holds none. */
export function fillFrame(frame, markup) {
  const made = parsed(markup).querySelector(".turn[data-searched-for]");
  if (!made) return false;
  Object.assign(frame.dataset, made.dataset);
  frame.replaceChildren(...made.children);
  return true;
}

/** Show what only works with scripts, and the verdicts given before, by the citation's id. */
export function enhance(frame, verdicts) {
  label(frame);
  for (const actions of frame.querySelectorAll(".card-actions")) actions.hidden = false;
  for (const card of frame.querySelectorAll(".card")) showVerdict(card, verdicts[card.dataset.card]);
}

function showVerdict(card, isHelpful) {
  const given = { true: "helpful", false: "wrong" }[isHelpful];
  for (const button of card.querySelectorAll("[aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset.action === given));
  }
}

/** Let the buttons of all turns work, now and later; calls back with each verdict that was kept. */
export function watchTurns(turns, onVerdict) {
  turns.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (!button) return;
    const frame = button.closest(".turn");
    switch (button.dataset.action) {
      case "copy-quote":
        copyFrom(button, quotation(button.closest("[data-origin]")), say("copy.done"));
        break;
      case "copy-link":
        copyFrom(button, location.origin + frame.dataset.link, say("share.done"));
        break;
      default:
        judge(button, frame, onVerdict);
    }
  });
}

/** Return a quote with where it comes from; `quoted` is the answer or the card around it. */
function quotation(quoted) {
  const text = quoted.querySelector("blockquote").textContent;
  const link = quoted.querySelector("[data-citation]").getAttribute("href");
  return `“${text}”\n— ${quoted.dataset.origin}\n${location.origin}${link}`;
}

async function copyFrom(button, text, done) {
  const isCopied = await copy(text);
  const said = isCopied ? done : say("copy.failed");
  button.classList.toggle("is-done", isCopied);
  sayOn(button, said);
  announce(said);
  setTimeout(() => {
    sayOn(button, null);
    button.classList.remove("is-done");
  }, TOLD_MS);
}

/** Say something on a button instead of its own words; null for these. */
function sayOn(button, text) {
  const words = button.querySelector("span");
  button.dataset.words ??= words.textContent;
  words.textContent = text ?? button.dataset.words;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Not a secure context, as on http:// in a local network: the old way.
    const focused = document.activeElement;
    const area = element("textarea", { class: "visually-hidden", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return isCopied;
  }
}

async function judge(button, frame, onVerdict) {
  if (button.getAttribute("aria-pressed") === "true") return;
  const card = button.closest(".card");
  const isHelpful = button.dataset.action === "helpful";
  try {
    await sendVerdict(frame, card, isHelpful);
  } catch (problem) {
    announce(`${say("feedback.failed")}. ${problem.title}`);
    sayOn(button, say("feedback.failed"));
    return;
  }
  showVerdict(card, isHelpful);
  sayOn(button, say("feedback.thanks"));
  announce(say("feedback.thanks"));
  setTimeout(() => sayOn(button, null), TOLD_MS);
  onVerdict(frame, card.dataset.card, isHelpful);
}

function sendVerdict(frame, card, isHelpful) {
  const isCited = "cited" in card.dataset;
  return request("POST", "/feedback", {
    question: frame.dataset.searchedFor.slice(0, 1000),
    article_id: card.dataset.article,
    citation_id: card.dataset.card,
    helpful: isHelpful,
    ...(isHelpful && isCited ? { answer: frame.querySelector(".answer-text").textContent } : {}),
  });
}

/** Tell people who listen what a turn answers. */
export function announceAnswer(frame) {
  const answer = frame.querySelector(".answer-text");
  if (answer) announce(`${say("answer.label")}: ${answer.textContent}`, answer.lang);
  else {
    const message = frame.querySelector(".not-found");
    announce(message.textContent, message.lang);
  }
}

/** Tell people who listen what has changed. */
export function announce(text, language = page.language) {
  const announcer = document.getElementById("announcer");
  announcer.lang = language;
  announcer.textContent = text;
}
