// Text with its marks. Offsets from the service count code points, JavaScript's count UTF-16 units.

import { element } from "./page.js";

/** Return the text as nodes: matching words in <mark>, the answering sentence in a span. */
export function markedText(text, highlights, sentence = null) {
  const characters = Array.from(text);
  const edges = new Set([0, characters.length]);
  for (const span of [...highlights, ...(sentence ? [sentence] : [])]) {
    if (span.start < characters.length) edges.add(span.start);
    if (span.end < characters.length) edges.add(span.end);
  }
  const sorted = [...edges].sort((one, other) => one - other);
  const holds = (span, place) => span.start <= place && place < span.end;
  return sorted.slice(0, -1).map((start, number) => {
    const stretch = characters.slice(start, sorted[number + 1]).join("");
    const inSentence = sentence !== null && holds(sentence, start);
    if (highlights.some((span) => holds(span, start))) {
      return element("mark", { class: inSentence ? "match in-sentence" : "match" }, stretch);
    }
    return inSentence ? element("span", { class: "in-sentence" }, stretch) : stretch;
  });
}
