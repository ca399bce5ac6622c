// What every page needs: its data, its words, and elements made without markup in strings.

const data = document.getElementById("page-data");

/** The data the server put into the page. */
export const page = data ? JSON.parse(data.textContent) : { language: "en", messages: {} };

/** The path under which the service is reached, "" at the root. */
export const root = document.body.dataset.root;

// Arabic readers expect their own digits and the Gregorian calendar; browsers vary in both.
const locale = page.language === "ar" ? "ar-u-ca-gregory-nu-arab" : page.language;
const numbers = new Intl.NumberFormat(locale);

/** Say something in the page's language, `{names}` filled in. */
export function say(key, values = {}) {
  const message = page.messages[key] ?? key;
  return message.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export const formatNumber = (value) => numbers.format(value);

/** Write a time out in its largest two units: seconds, minutes, or hours and minutes. */
export function formatDuration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (seconds < 59.5) return formatUnit(Math.max(Math.round(seconds), 1), "second");
  if (minutes < 60) return formatUnit(minutes, "minute");
  const parts = [formatUnit(Math.floor(minutes / 60), "hour"), formatUnit(minutes % 60, "minute")];
  return new Intl.ListFormat(locale, { type: "unit" }).format(parts);
}

const formatUnit = (value, unit) =>
  new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(value);

/**
 * Make an element. Attributes that are null, undefined or false are left out; functions become
 * listeners. Children are nodes or text, never markup.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Text of its own direction, kept from disturbing what stands around it. */
export const isolated = (text) => element("bdi", { dir: "auto" }, text);

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  picture.append(use);
  return picture;
}

const menu = document.getElementById("language-menu");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
