// The conversation, kept in this browser and nowhere else: each turn as the service rendered it.

import { page, root } from "./page.js";

const KEY = "qa-service.conversation";
const MAX_TURNS = 30;
const MAX_HISTORY = 20;
// Browsers keep about 5 million for a site, and parse it all before the page is there.
const MAX_CHARACTERS = 2_000_000;
// What is rendered depends on these: in another language, or after an update, it would look wrong.
const RENDERED_FOR = [page.version, page.language, root].join(" ");

/**
 * Turns are { question, filters, verdicts, markup }. The markup is null where it must be asked for
 * again: it was rendered for another page, or an earlier version kept the turn in its own form.
 */
export class Conversation {
  #turns = [];

  get turns() {
    return this.#turns;
  }

  /** The questions before a turn, by default all, as follow-ups send them. */
  historyOf(turn = null) {
    const place = turn === null ? this.#turns.length : this.#turns.indexOf(turn);
    return this.#turns
      .slice(0, Math.max(place, 0))
      .map(({ question }) => question)
      .slice(-MAX_HISTORY);
  }

  /** Take up what this browser kept. */
  restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
      const turns = Array.isArray(kept) ? kept.map(turnOf) : [];
      this.#turns = turns.filter(({ question }) => typeof question === "string");
    } catch {
      // Storage is closed to us, or holds something else: a conversation without memory.
      this.#turns = [];
    }
  }

  add(turn) {
    this.#turns.push(turn);
    this.save();
  }

  save() {
    const texts = [];
    let size = 0;
    for (const turn of this.#turns.slice(-MAX_TURNS).reverse()) {
      const renderedFor = turn.markup === null ? null : RENDERED_FOR;
      const text = JSON.stringify({ ...turn, renderedFor });
      size += text.length;
      if (size > MAX_CHARACTERS) break;
      texts.unshift(text);
    }
    try {
      localStorage.setItem(KEY, `[${texts}]`);
    } catch {
      // Full or closed: what is on the page stays there.
    }
  }

  clear() {
    this.#turns = [];
    try {
      localStorage.removeItem(KEY);
    } catch {
      // Closed: nothing was kept.
    }
  }
}

function turnOf(kept) {
  const isCurrent = kept?.renderedFor === RENDERED_FOR && typeof kept.markup === "string";
  return {
    question: kept?.question ?? kept?.answer?.question,
    filters: kept?.filters ?? {},
    verdicts: kept?.verdicts ?? {},
    markup: isCurrent ? kept.markup : null,
  };
}
