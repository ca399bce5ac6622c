// The article beside the conversation, where there is room for it.

import { fetchPage, Problem, problemCard } from "./api.js";
import { element, icon, say } from "./page.js";

const wide = matchMedia("(min-width: 64rem)");

export class Panel {
  #panel = document.getElementById("panel");
  #workspace = document.querySelector(".workspace");
  #opener = null;
  #loading = null;

  constructor() {
    document.addEventListener("click", (event) => this.#onClick(event));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#panel.hidden) this.close();
    });
  }

  #onClick(event) {
    const link = event.target.closest("a[data-citation], .also-in a");
    const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !isPlain || !wide.matches) return;
    event.preventDefault();
    this.open(link);
  }

  /** Show the article a link leads to, at the passage it cites. */
  async open(link) {
    this.#loading?.abort();
    this.#loading = new AbortController();
    this.#opener = link;
    this.#markCards(link.dataset.citation);
    const body = element("div", { class: "panel-body", tabindex: "-1" }, element("p", {}, say("panel.loading")));
    const close = element(
      "button",
      { class: "button quiet", type: "button", click: () => this.close() },
      icon("close"),
      say("panel.close"),
    );
    const asPage = element("a", { class: "button quiet", href: link.href }, icon("page"), say("panel.page"));
    this.#panel.replaceChildren(element("div", { class: "panel-tools" }, asPage, close), body);
    this.#panel.hidden = false;
    this.#workspace.classList.add("with-panel");
    try {
      const found = await fetchPage(link.href, this.#loading.signal);
      this.#show(body, found);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Problem)) throw error;
      const retry = element("button", { class: "button", type: "button", click: () => this.open(link) }, say("turn.retry"));
      body.replaceChildren(problemCard(error, retry));
      retry.focus();
    }
  }

  #show(body, found) {
    // An error page has no article: its notice says what is wrong.
    const content = found.querySelector("#article") ?? found.querySelector("main > *");
    body.replaceChildren(document.importNode(content, true));
    const passage = body.querySelector(".in-passage");
    const target = passage ?? body.querySelector("h1");
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
    if (passage) {
      const top = passage.getBoundingClientRect().top - body.getBoundingClientRect().top;
      body.scrollTop = top - body.clientHeight / 4;
    }
  }

  close() {
    this.#loading?.abort();
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    this.#workspace.classList.remove("with-panel");
    this.#markCards(null);
    this.#opener?.focus();
    this.#opener = null;
  }

  #markCards(citation) {
    for (const card of document.querySelectorAll("[data-card]")) {
      card.classList.toggle("is-open", card.dataset.card === citation);
    }
  }
}
