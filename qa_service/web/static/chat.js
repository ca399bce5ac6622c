// The chat page: asks without leaving it, keeps the conversation, follows the index.

import { failedRunCard, followIndex, Problem, problemCard, progressText, request } from "./api.js";
import { Conversation } from "./conversation.js";
import { element, formatNumber, page, root, say } from "./page.js";
import { Panel } from "./panel.js";
import { announce, showAnswer, turnFrame } from "./turn.js";

const SLOW_MS = 6000;
const FILTERS = ["language", "source", "published_from", "published_to"];

const form = document.getElementById("composer");
const input = document.getElementById("question");
const turns = document.getElementById("turns");
const conversation = new Conversation();
const panel = new Panel();
let isAsking = false;

function chosenFilters() {
  const fields = new FormData(form);
  return Object.fromEntries(FILTERS.map((name) => [name, fields.get(name)]).filter(([, value]) => value));
}

function showConversation(isOn) {
  document.body.classList.toggle("has-turns", isOn);
  document.getElementById("welcome").hidden = isOn;
  document.getElementById("conversation-tools").hidden = !isOn;
  const examples = document.getElementById("examples");
  if (examples) examples.hidden = isOn || !examples.querySelector("li");
  input.placeholder = say(isOn ? "ask.follow_up" : "ask.placeholder");
}

function addTurn(turn) {
  const { frame, body } = turnFrame(turn.answer.question, turn.answer.language);
  showAnswer(body, turn, () => conversation.save());
  turns.append(frame);
}

async function ask(question, filters = chosenFilters()) {
  if (isAsking) return;
  isAsking = true;
  showConversation(true);
  const { frame, body, heading } = turnFrame(question);
  frame.classList.add("is-new");
  turns.append(frame);
  heading.scrollIntoView({ block: "start" });
  try {
    await answerInto(body, heading, question, filters);
  } finally {
    isAsking = false;
    frame.removeAttribute("aria-busy");
  }
}

async function answerInto(body, heading, question, filters) {
  const aborter = new AbortController();
  const slow = setTimeout(() => {
    words.textContent = say("turn.slow");
    waiting.append(
      element("button", { class: "button", type: "button", click: () => aborter.abort() }, say("turn.cancel")),
    );
    announce(say("turn.slow"));
  }, SLOW_MS);
  const words = element("span", {}, say("turn.searching"));
  const dots = element("span", { class: "dots", "aria-hidden": "true" }, ...[1, 2, 3].map(() => element("i")));
  const waiting = element("p", { class: "waiting" }, dots, words);
  body.replaceChildren(waiting);
  announce(say("turn.searching"));
  try {
    const sent = { question, filters, history: conversation.history };
    const answer = await request("POST", "/ask", sent, aborter.signal);
    const turn = { answer, filters };
    showAnswer(body, turn, () => conversation.save());
    heading.querySelector("bdi").lang = answer.language;
    conversation.add(turn);
    // From here on the address no longer tells what is on the page.
    if (location.search) history.replaceState(null, "", `${root}/`);
    const told = answer.answer;
    announce(told ? `${say("answer.label")}: ${told.text}` : answer.message, told?.language ?? answer.language);
    heading.scrollIntoView({ block: "start" });
  } catch (error) {
    showFailure(body, heading, error, question, filters);
  } finally {
    clearTimeout(slow);
  }
}

function showFailure(body, heading, error, question, filters) {
  const retry = element(
    "button",
    {
      class: "button",
      type: "button",
      click: () => {
        heading.closest(".turn").remove();
        ask(question, filters);
        input.focus();
      },
    },
    say("turn.retry"),
  );
  if (error.name === "AbortError") {
    body.replaceChildren(element("p", { class: "waiting" }, say("turn.cancelled"), retry));
    announce(say("turn.cancelled"));
    return;
  }
  if (!(error instanceof Problem)) throw error;
  const addArticles = element("a", { class: "button primary", href: `${root}/articles#add` }, say("state.no_index.action"));
  body.replaceChildren(problemCard(error, ...(error.code === "no_index" ? [addArticles] : []), retry));
}

function submit() {
  const question = input.value.trim();
  if (!question) {
    announce(say("ask.empty"));
    input.focus();
    return;
  }
  if (isAsking) return;
  input.value = "";
  ask(question);
}

function startAnew(event) {
  event.preventDefault();
  if (isAsking) return;
  conversation.clear();
  turns.replaceChildren();
  if (!document.getElementById("panel").hidden) panel.close();
  showConversation(false);
  history.replaceState(null, "", `${root}/`);
  announce(say("conversation.cleared"));
  input.focus();
}

function countFilters() {
  const count = Object.keys(chosenFilters()).length;
  const badge = document.getElementById("filter-count");
  if (badge) badge.textContent = count ? formatNumber(count) : "";
}

function watchIndex() {
  const progress = document.getElementById("indexing-progress");
  const text = document.getElementById("indexing-text");
  const source = followIndex(({ index, job }) => {
    if (index) {
      source.close();
      location.reload();
    } else if (job?.state === "running" && !progress) {
      // Somebody has started indexing: show how far it is.
      source.close();
      location.reload();
    } else if (job?.progress && progress) {
      progress.value = job.progress.share;
      text.textContent = progressText(job.progress);
    } else if (job?.state === "failed" && progress) {
      source.close();
      document.getElementById("indexing-notice").replaceWith(failedRunCard(job.error));
    }
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
input.addEventListener("keydown", (event) => {
  // While a word is being composed, as in Chinese, Enter belongs to the input method.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
form.addEventListener("change", countFilters);
document.getElementById("new-conversation").addEventListener("click", startAnew);
document.getElementById("examples")?.addEventListener("click", (event) => {
  const example = event.target.closest("[data-question]");
  if (!example || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  ask(example.dataset.question);
  input.focus();
});
for (const earlier of document.querySelectorAll(".earlier")) earlier.remove();

if (page.answer) {
  // A link to a question: the server has answered it already.
  turns.replaceChildren();
  const turn = { answer: page.answer, filters: chosenFilters() };
  conversation.turns.push(turn);
  addTurn(turn);
  showConversation(true);
} else if (!turns.children.length && page.hasIndex) {
  conversation.restore();
  if (conversation.turns.length) {
    conversation.turns.forEach(addTurn);
    showConversation(true);
    turns.lastElementChild.scrollIntoView({ block: "start", behavior: "instant" });
  }
}
const isEmpty = turns.children.length === 0;
if (page.hasIndex && isEmpty && matchMedia("(hover: hover)").matches) input.focus({ preventScroll: true });
if (!page.hasIndex) watchIndex();
countFilters();
