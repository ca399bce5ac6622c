// The conversation, kept in this browser and nowhere else.

const KEY = "qa-service.conversation";
const MAX_TURNS = 30;
const MAX_HISTORY = 20;

export class Conversation {
  #turns = [];

  get turns() {
    return this.#turns;
  }

  /** The earlier questions, as follow-ups send them. */
  get history() {
    return this.#turns.map((turn) => turn.answer.question).slice(-MAX_HISTORY);
  }

  /** Take up what this browser kept. */
  restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
      this.#turns = kept.filter((turn) => Array.isArray(turn?.answer?.passages));
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
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#turns.slice(-MAX_TURNS)));
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
