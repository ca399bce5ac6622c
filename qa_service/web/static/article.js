// The article page: brings the reader to the passage, and back to the conversation.

import "./page.js";

const passage = document.querySelector(".in-passage");
if (passage && location.hash.startsWith("#passage-")) {
  passage.scrollIntoView({ block: "center", behavior: "instant" });
  passage.focus({ preventScroll: true });
}

const cameFromHere = document.referrer.startsWith(`${location.origin}/`);
document.getElementById("back").addEventListener("click", (event) => {
  if (!cameFromHere || history.length < 2) return;
  event.preventDefault();
  history.back();
});
