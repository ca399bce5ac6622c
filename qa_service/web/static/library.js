// The library: add, remove, update and rebuild, with the index followed as it changes.

import { failedRunCard, followIndex, Problem, problemCard, progressText, request } from "./api.js";
import { element, formatNumber, page, say } from "./page.js";

const messages = document.getElementById("messages");
const job = document.getElementById("job");
const jobText = document.getElementById("job-text");
const progress = document.getElementById("job-progress");
const report = document.getElementById("report");
const updateButtons = ["update", "rebuild"].map((id) => document.getElementById(id));
let source = null;

function tell(...content) {
  messages.replaceChildren(...content);
  messages.scrollIntoView({ block: "nearest" });
}

const note = (text) => element("p", { class: "notice notice-done" }, text);

/** Do something that may fail; the problem is shown, and false returned. */
async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    tell(problemCard(error));
    return false;
  }
}

function showJob(running) {
  job.hidden = false;
  if (running.progress) {
    progress.value = running.progress.share;
    jobText.textContent = progressText(running.progress);
  } else {
    progress.removeAttribute("value");
    jobText.textContent = say("index.running");
  }
}

function showReport(done) {
  const states = ["indexed", "unchanged", "removed", "skipped", "failed"];
  const counts = states
    .map((state) => [state, done.states[state]])
    .filter(([, count]) => count > 0)
    .map(([state, count]) => element("li", {}, say(`report.${state}`, { count: formatNumber(count) })));
  const troubled = done.files
    .filter((file) => file.state === "failed" || file.state === "skipped")
    .slice(0, 100)
    .map((file) => element("li", {}, element("bdi", {}, file.path), ": ", element("bdi", {}, file.reason ?? "")));
  const untold = done.states.failed + done.states.skipped - troubled.length;
  if (untold > 0) troubled.push(element("li", {}, `… +${formatNumber(untold)}`));
  report.replaceChildren(
    element(
      "details",
      {},
      element("summary", {}, say("report.title")),
      element("ul", { class: "report-files" }, counts),
      troubled.length ? element("ul", { class: "report-files", lang: "en", dir: "ltr" }, troubled) : null,
    ),
  );
}

function show(state) {
  const current = state.job;
  const isRunning = current?.state === "running";
  for (const button of updateButtons) button.disabled = isRunning;
  if (isRunning) {
    showJob(current);
    return;
  }
  job.hidden = true;
  if (current?.report) showReport(current.report);
}

/** Follow the running job, and show the list as it is afterwards. */
function follow() {
  source?.close();
  let sawRunning = false;
  source = followIndex((state) => {
    show(state);
    if (state.job?.state === "running") {
      sawRunning = true;
      return;
    }
    source.close();
    if (state.job?.state === "failed") {
      tell(failedRunCard(state.job.error));
    } else if (sawRunning || isExpectingChange) {
      sessionStorage.setItem("qa-service.told", say("index.done"));
      location.reload();
    }
  });
}

let isExpectingChange = false;
function followChange() {
  isExpectingChange = true;
  follow();
}

async function startIndex(rebuild) {
  await attempt(async () => {
    const started = await request("POST", "/index", { rebuild });
    show(started);
    followChange();
  });
}

async function add(form, body) {
  const button = form.querySelector("[type=submit]");
  const label = button.textContent;
  button.disabled = true;
  button.textContent = say("add.sending");
  await attempt(async () => {
    const stored = await request("POST", "/articles", body);
    form.reset();
    tell(note(say("add.stored", { name: stored.name })));
    show(stored);
    followChange();
  });
  button.disabled = false;
  button.textContent = label;
}

document.getElementById("update").addEventListener("click", () => startIndex(false));
document.getElementById("rebuild").addEventListener("click", () => startIndex(true));

document.getElementById("upload-form").addEventListener("submit", (event) => {
  event.preventDefault();
  add(event.target, new FormData(event.target));
});
document.getElementById("paste-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = [...new FormData(event.target)].filter(([, value]) => value.trim());
  add(event.target, Object.fromEntries(given));
});

const dialog = document.getElementById("remove-dialog");
for (const button of document.querySelectorAll(".remove")) {
  button.addEventListener("click", () => {
    document.getElementById("remove-text").textContent = say("library.remove_text", { title: button.dataset.title });
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue !== "remove") return;
      attempt(async () => {
        const started = await request("DELETE", button.dataset.path);
        show(started);
        followChange();
      });
    };
    dialog.showModal();
  });
}

const told = sessionStorage.getItem("qa-service.told");
if (told) {
  sessionStorage.removeItem("qa-service.told");
  tell(note(told));
}
show(page.index);
if (page.index.job?.state === "running") follow();
