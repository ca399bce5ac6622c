// One question and its answer, as templates/_turn.html shows them, with what needs a script added.

import { request } from "./api.js";
import { markedText } from "./marks.js";
import { element, formatDate, formatNumber, icon, isolated, languageName, page, root, say } from "./page.js";

const SHOWN_AT_ONCE = 3;
let turnCount = 0;

/** Make the frame of a turn: the question, and a place for what follows. */
export function turnFrame(question, language = null) {
  turnCount += 1;
  const id = `question-${turnCount}`;
  const heading = element("h2", { class: "question", id }, isolated(question, language));
  const body = element("div", { class: "turn-body" });
  const frame = element("article", { class: "turn", "aria-labelledby": id }, heading, body);
  return { frame, body, heading };
}

/** Fill a turn with its answer. `turn` is { answer, filters, verdicts }. */
export function showAnswer(body, turn, onVerdict) {
  const { answer } = turn;
  const cards = answer.passages.map((hit) => card(turn, hit, onVerdict));
  const parts = [];
  if (answer.searched_for !== answer.question) {
    parts.push(
      element("p", { class: "searched-for" }, `${say("turn.searched_for")} `, isolated(answer.searched_for)),
    );
  }
  parts.push(answer.answer ? foundAnswer(turn) : noAnswer(answer));
  if (cards.length) parts.push(passageList(answer, cards));
  body.replaceChildren(...parts);
}

function foundAnswer(turn) {
  const { answer } = turn;
  const text = answer.answer;
  const cited = answer.passages.find((hit) => hit.rank === text.citation);
  const sureness = answer.confidence >= 0.85 ? "high" : answer.confidence >= 0.6 ? "medium" : "low";
  return element(
    "section",
    { class: "answer", "aria-label": say("answer.label") },
    element("blockquote", { class: "answer-text", lang: text.language, dir: text.direction }, text.text),
    element(
      "p",
      { class: "answer-source" },
      element(
        "a",
        { class: "chip", href: root + cited.citation.link, "data-citation": cited.citation.id },
        element("span", { class: "chip-rank" }, formatNumber(cited.rank)),
        isolated(cited.citation.title, cited.language),
      ),
      element("span", { class: `confidence confidence-${sureness}` }, say(`confidence.${sureness}`)),
    ),
    element(
      "p",
      { class: "card-actions" },
      copyButton("copy", say("copy.quote"), () => quotation(text.text, cited.citation), say("copy.done")),
      copyButton("link", say("share.link"), () => questionAddress(turn), say("share.done")),
    ),
  );
}

function noAnswer(answer) {
  return element(
    "section",
    { class: "answer answer-none", "aria-label": say("answer.label") },
    element("p", { class: "not-found", lang: answer.language, dir: "auto" }, answer.message),
    answer.passages.length ? null : element("p", {}, say("answer.nothing")),
  );
}

function passageList(answer, cards) {
  const rest = cards.slice(SHOWN_AT_ONCE);
  return element(
    "section",
    { class: "passages" },
    element("h3", {}, say(answer.answer ? "passages.title" : "answer.nearest")),
    element("ol", { class: "cards" }, cards.slice(0, SHOWN_AT_ONCE)),
    rest.length
      ? element(
          "details",
          { class: "more" },
          element("summary", {}, say("passages.more", { count: formatNumber(rest.length) })),
          element("ol", { class: "cards", start: SHOWN_AT_ONCE + 1 }, rest),
        )
      : null,
  );
}

function card(turn, hit, onVerdict) {
  const { answer } = turn;
  const { citation } = hit;
  const grade = 1 + [0.3, 0.55, 0.8].filter((least) => hit.score >= least).length;
  const isCited = answer.answer?.citation === hit.rank;
  const sentence = isCited ? { start: answer.answer.start, end: answer.answer.end } : null;
  const link = { href: root + citation.link, "data-citation": citation.id };
  const meta = [
    citation.source ? element("bdi", {}, citation.source) : null,
    citation.published ? element("time", { datetime: citation.published }, formatDate(citation.published)) : null,
    languageName(hit.language) || null,
  ].filter((item) => item !== null);
  return element(
    "li",
    { class: "card", "data-card": citation.id },
    element(
      "h4",
      { class: "card-title" },
      element("span", { class: "card-rank", "aria-hidden": "true" }, formatNumber(hit.rank)),
      element("a", link, isolated(citation.title, hit.language)),
    ),
    element(
      "p",
      { class: "meta" },
      meta.map((item) => element("span", { class: "meta-item" }, item)),
      element("span", { class: `meta-item strength strength-${grade}` }, element("span", {}, say(`strength.${grade}`))),
    ),
    element(
      "blockquote",
      { class: "quote", lang: hit.language, dir: hit.direction },
      markedText(hit.text, hit.highlights, sentence),
    ),
    hit.also_in_articles?.length ? alsoIn(hit.also_in_articles) : null,
    element(
      "div",
      { class: "card-actions" },
      element("a", { class: "button quiet", ...link }, icon("page"), say("passages.open")),
      copyButton("copy", say("copy.quote"), () => quotation(hit.text, citation), say("copy.done")),
      verdictButtons(turn, hit, onVerdict),
    ),
  );
}

function alsoIn(articles) {
  const list = (some) =>
    element(
      "ul",
      {},
      some.map(({ title, language, link }) =>
        element("li", {}, element("a", { href: root + link }, isolated(title, language))),
      ),
    );
  const rest = articles.slice(SHOWN_AT_ONCE);
  return element(
    "div",
    { class: "also-in" },
    element("span", {}, say("passages.also_in")),
    list(articles.slice(0, SHOWN_AT_ONCE)),
    rest.length
      ? element(
          "details",
          {},
          element("summary", {}, say("passages.also_in_more", { count: formatNumber(rest.length) })),
          list(rest),
        )
      : null,
  );
}

function quotation(text, citation) {
  const origin = [citation.title, citation.source, citation.published && formatDate(citation.published)];
  return `“${text}”\n— ${origin.filter(Boolean).join(", ")}\n${location.origin}${root}${citation.link}`;
}

function questionAddress(turn) {
  const filters = Object.entries(turn.filters ?? {}).filter(([, value]) => value);
  // What a follow-up left unsaid would be lost on the reader of the link.
  const query = new URLSearchParams([["q", turn.answer.searched_for], ...filters]);
  return `${location.origin}${root}/?${query}`;
}

function copyButton(name, label, makeText, done) {
  const words = element("span", {}, label);
  const button = element("button", { class: "button quiet", type: "button" }, icon(name), words);
  button.addEventListener("click", async () => {
    const isCopied = await copy(makeText());
    words.textContent = isCopied ? done : say("copy.failed");
    button.classList.toggle("is-done", isCopied);
    announce(words.textContent);
    setTimeout(() => {
      words.textContent = label;
      button.classList.remove("is-done");
    }, 2500);
  });
  return button;
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

function verdictButtons(turn, hit, onVerdict) {
  const verdicts = (turn.verdicts ??= {});
  const group = element("span", { role: "group", "aria-label": say("feedback.label") });
  const make = (isHelpful) => {
    const label = say(isHelpful ? "feedback.helpful" : "feedback.wrong");
    const words = element("span", {}, label);
    const button = element(
      "button",
      {
        class: "button quiet",
        type: "button",
        "aria-pressed": String(verdicts[hit.citation.id] === isHelpful),
      },
      icon(isHelpful ? "yes" : "no"),
      words,
    );
    button.addEventListener("click", async () => {
      if (verdicts[hit.citation.id] === isHelpful) return;
      try {
        await sendVerdict(turn.answer, hit, isHelpful);
      } catch (problem) {
        announce(`${say("feedback.failed")}. ${problem.title}`);
        words.textContent = say("feedback.failed");
        return;
      }
      verdicts[hit.citation.id] = isHelpful;
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      words.textContent = say("feedback.thanks");
      announce(say("feedback.thanks"));
      setTimeout(() => {
        words.textContent = label;
      }, 2500);
      onVerdict();
    });
    return button;
  };
  group.append(make(true), make(false));
  return group;
}

function sendVerdict(answer, hit, isHelpful) {
  const isCited = answer.answer?.citation === hit.rank;
  return request("POST", "/feedback", {
    question: answer.searched_for.slice(0, 1000),
    article_id: hit.citation.article_id,
    citation_id: hit.citation.id,
    helpful: isHelpful,
    ...(isHelpful && isCited ? { answer: answer.answer.text } : {}),
  });
}

/** Tell people who listen what has changed. */
export function announce(text, language = page.language) {
  const announcer = document.getElementById("announcer");
  announcer.lang = language;
  announcer.textContent = text;
}
