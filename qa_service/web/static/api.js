// Requests to the service. Whatever goes wrong arrives as a Problem.

import { element, formatDuration, formatNumber, page, root, say } from "./page.js";

// The last words of a problem's keys among the messages; others read as "generic".
const KEYS = {
  api_key_needed: "api_key_needed",
  article_conflict: "article_conflict",
  article_not_found: "article_not_found",
  index_busy: "index_busy",
  index_corrupt: "index",
  index_error: "index",
  index_mismatch: "index",
  index_write_failed: "index",
  invalid_question: "invalid_request",
  invalid_request: "invalid_request",
  model_unavailable: "model_unavailable",
  not_found: "not_found",
  overloaded: "overloaded",
  rate_limited: "rate_limited",
  server_gone: "server_gone",
  too_large: "too_large",
  unreadable_file: "invalid_request",
};

/** Something that kept a request from its answer. */
export class Problem extends Error {
  constructor(code, message = "") {
    super(message);
    this.code = code;
  }

  get title() {
    return this.#say("title");
  }

  get advice() {
    return this.#say("text");
  }

  #say(part) {
    const key = this.code === "no_index" ? "state.no_index" : `error.${KEYS[this.code] ?? "generic"}`;
    return say(`${key}.${part}`);
  }
}

async function send(path, options) {
  try {
    return await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("server_gone");
  }
}

async function problemOf(response) {
  try {
    const { error } = await response.json();
    return new Problem(error.code, error.message);
  } catch {
    // A proxy's own page, or the server going down in the middle of its answer.
    return new Problem(response.status >= 502 ? "server_gone" : "generic", response.statusText);
  }
}

async function exchange(method, path, body, signal, accept, read) {
  const headers = { Accept: accept };
  if (body && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await send(root + path, { method, headers, body, signal });
  if (!response.ok) throw await problemOf(response);
  try {
    return await read(response);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("server_gone");
  }
}

/** Send JSON or a form and return the JSON that comes back. */
export const request = (method, path, body = null, signal = null) =>
  exchange(method, path, body, signal, "application/json", (response) => response.json());

/** Ask a question and return its turn as the service renders it for this page. */
export const requestTurn = (question, signal = null) =>
  exchange(
    "POST",
    `/turn?interface=${page.language}`,
    question,
    signal,
    // The turn has no other form; what goes wrong comes as JSON.
    "application/json, text/html;q=0.9",
    (response) => response.text(),
  );

// Markup is taken from the service alone, which escapes what articles hold.
const policy = globalThis.trustedTypes?.createPolicy("qa-service", { createHTML: (text) => text }) ?? {
  createHTML: (text) => text,
};

/** Return markup of the service as a document; nothing in it runs. */
export const parsed = (markup) => new DOMParser().parseFromString(policy.createHTML(markup), "text/html");

/** Return a page of the service as a document. */
export async function fetchPage(address, signal) {
  const response = await send(address, { headers: { Accept: "text/html" }, signal });
  return parsed(await response.text());
}

/** Show a problem, with what can be done about it. */
export function problemCard(problem, ...actions) {
  return element(
    "div",
    { class: "notice notice-problem", role: "alert" },
    element("h3", {}, problem.title),
    element("p", {}, problem.advice),
    problem.message ? element("p", { class: "detail", lang: "en", dir: "ltr" }, problem.message) : null,
    actions.length ? element("p", { class: "actions" }, ...actions) : null,
  );
}

/** Say that an index run has failed, and why. */
export const failedRunCard = (message) =>
  element(
    "div",
    { class: "notice notice-problem", role: "alert" },
    element("h3", {}, say("index.failed")),
    element("p", { class: "detail", lang: "en", dir: "ltr" }, message),
  );

/** Say how far an index run is, how fast it goes and how long the stage will take. */
export function progressText({ stage, done, total, per_second: rate, seconds_left: seconds }) {
  const said = [say("index.progress", { done: formatNumber(done), total: formatNumber(total) })];
  if (done < total) {
    if (stage === "embedding" && rate) {
      said.push(say("index.rate", { rate: formatNumber(rate < 10 ? rate : Math.round(rate)) }));
    }
    if (seconds !== null) said.push(say("index.time_left", { time: formatDuration(seconds) }));
  }
  return `${say(`index.stage.${stage}`)}: ${said.join(" · ")}`;
}

/** Follow the index: calls back with the body of GET /index at once and at every change. */
export function followIndex(callback) {
  const source = new EventSource(`${root}/index/events`);
  source.addEventListener("index", (event) => callback(JSON.parse(event.data)));
  return source;
}
