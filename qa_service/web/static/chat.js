// The chat page: asks without leaving it, keeps the conversation, follows the index.

import { failedRunCard, followIndex, Problem, problemCard, progressText, requestTurn } from "./api.js";
import { Conversation } from "./conversation.js";
import { element, formatNumber, page, root, say } from "./page.js";
import { Panel } from "./panel.js";
import { announce, announceAnswer, enhance, fillFrame, showBelow, turnFrame, watchTurns } from "./turn.js";

const SLOW_MS = 6000;
const FILTERS = ["language", "source", "published_from", "published_to"];

const form = document.getElementById("composer");
const input = document.getElementById("question");
const turns = document.getElementById("turns");
const conversation = new Conversation();
const panel = new Panel();
// What is kept of the turns on the page, by their elements.
const keptOf = new WeakMap();
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

function adoptTurn(frame, turn) {
  keptOf.set(frame, turn);
  enhance(frame, turn.verdicts);
}

/** Ask for a turn as the service renders it, and show it. */
async function fetchTurn(frame, turn, earlier, signal = null) {
  const { question, filters } = turn;
  const markup = await requestTurn({ question, filters, history: earlier }, signal);
  // Not what was asked for, as a proxy's own page.
  if (!fillFrame(frame, markup)) throw new Problem("server_gone");
  turn.markup = markup;
  adoptTurn(frame, turn);
}

async function ask(question, filters = chosenFilters()) {
  if (isAsking) return;
  isAsking = true;
  showConversation(true);
  const frame = turnFrame(question);
  frame.classList.add("is-new");
  turns.append(frame);
  scrollToQuestion(frame);
  try {
    await answerInto(frame, { question, filters, verdicts: {} });
  } finally {
    isAsking = false;
  }
}

const scrollToQuestion = (frame) => frame.querySelector(".question").scrollIntoView({ block: "start" });

async function answerInto(frame, turn) {
  const aborter = new AbortController();
  const slow = setTimeout(() => {
    words.textContent = say("turn.slow");
    waiting.append(
      element("button", { class: "button", type: "button", click: () => aborter.abort() }, say("turn.cancel")),
    );
    announce(say("turn.slow"));
  }, SLOW_MS);
  const { waiting, words } = waitingNote();
  showBelow(frame, waiting);
  announce(say("turn.searching"));
  try {
    await fetchTurn(frame, turn, conversation.historyOf(), aborter.signal);
    conversation.add(turn);
    // From here on the address no longer tells what is on the page.
    if (location.search) history.replaceState(null, "", `${root}/`);
    announceAnswer(frame);
    scrollToQuestion(frame);
  } catch (error) {
    showFailure(frame, error, () => {
      frame.remove();
      ask(turn.question, turn.filters);
      input.focus();
    });
  } finally {
    clearTimeout(slow);
  }
}

function waitingNote() {
  const words = element("span", {}, say("turn.searching"));
  const dots = element("span", { class: "dots", "aria-hidden": "true" }, ...[1, 2, 3].map(() => element("i")));
  return { waiting: element("p", { class: "waiting" }, dots, words), words };
}

function showFailure(frame, error, again) {
  const retry = element("button", { class: "button", type: "button", click: again }, say("turn.retry"));
  if (error.name === "AbortError") {
    showBelow(frame, element("p", { class: "waiting" }, say("turn.cancelled"), retry));
    announce(say("turn.cancelled"));
    return;
  }
  if (!(error instanceof Problem)) throw error;
  const addArticles = element("a", { class: "button primary", href: `${root}/articles#add` }, say("state.no_index.action"));
  showBelow(frame, problemCard(error, ...(error.code === "no_index" ? [addArticles] : []), retry));
}

/** Show the turns that the browser kept; those that it has no markup of once they are looked at. */
function showKeptTurns() {
  const inView = new Set();
  let isAskingAgain = false;
  const askForThese = async () => {
    if (isAskingAgain) return;
    isAskingAgain = true;
    // One after the other: a long conversation is no crowd. What was only scrolled past is left.
    for (const frame of inView) {
      view.unobserve(frame);
      inView.delete(frame);
      await askAgain(frame, keptOf.get(frame));
    }
    isAskingAgain = false;
  };
  const view = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) inView.add(target);
      else inView.delete(target);
    }
    askForThese();
  });
  for (const turn of conversation.turns) {
    const frame = turnFrame(turn.question);
    turns.append(frame);
    keptOf.set(frame, turn);
    if (turn.markup !== null && fillFrame(frame, turn.markup)) adoptTurn(frame, turn);
    else view.observe(frame);
  }
}

async function askAgain(frame, turn) {
  showBelow(frame, waitingNote().waiting);
  try {
    await fetchTurn(frame, turn, conversation.historyOf(turn));
    conversation.save();
  } catch (error) {
    showFailure(frame, error, () => askAgain(frame, turn));
  }
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

watchTurns(turns, (frame, citation, isHelpful) => {
  keptOf.get(frame).verdicts[citation] = isHelpful;
  conversation.save();
});

const answered = turns.querySelector(".turn[data-searched-for]");
if (answered) {
  // A link to a question: the server has answered it already.
  const question = answered.querySelector(".question").textContent;
  const turn = { question, filters: chosenFilters(), verdicts: {}, markup: answered.outerHTML };
  conversation.turns.push(turn);
  adoptTurn(answered, turn);
  showConversation(true);
} else if (!turns.children.length && page.hasIndex) {
  conversation.restore();
  if (conversation.turns.length) {
    showKeptTurns();
    showConversation(true);
    turns.lastElementChild.scrollIntoView({ block: "start", behavior: "instant" });
  }
}
const isEmpty = turns.children.length === 0;
if (page.hasIndex && isEmpty && matchMedia("(hover: hover)").matches) input.focus({ preventScroll: true });
if (!page.hasIndex) watchIndex();
countFilters();
