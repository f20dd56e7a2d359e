"use strict";
// The texts of the page in the selected language. Elements name theirs: data-word for text, data-label for an
// accessible name or tooltip.
const words = (() => {
  const all = JSON.parse(document.getElementById("words").textContent);
  const kept = store.get("language");
  let language = kept ?? (navigator.language.startsWith("ko") ? "ko" : "en");

  /** The text of this key, with values for {0} and {1}. An unknown key is shown unchanged. */
  function word(key, ...values) {
    const text = all[key]?.[language] ?? key;
    return text.replace(/\{(\d)\}/g, (_, n) => values[n] ?? "");
  }

  /** The text of a code that may have none, such as a refusal that is newer than this page. */
  const wordOr = (key, fallback) => (key in all ? word(key) : fallback);

  function fill() {
    document.documentElement.lang = language;
    for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", word(element.dataset.label));
      if (element.matches("button, output, input")) element.title = word(element.dataset.label);
    }
    const other = document.getElementById("language");
    other.textContent = language === "en" ? "한국어" : "English";
    other.lang = language === "en" ? "ko" : "en";
  }

  function turn() {
    language = language === "en" ? "ko" : "en";
    store.set("language", language);
    fill();
  }

  return { word, wordOr, fill, turn, language: () => language };
})();
