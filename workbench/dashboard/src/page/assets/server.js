"use strict";
// Requests to the server, and the token that allows this page to change things. The token comes in the fragment of the
// printed address, which is not sent to any server, and is removed from the address at once.
const server = (() => {
  const TOKEN = "cleave.token";
  const given = /^#token=([\w-]+)/.exec(location.hash);
  if (given) {
    sessionStorage.setItem(TOKEN, given[1]);
    history.replaceState(null, "", `${location.pathname}#watch`);
  }
  // A page that plays a recording from one file has no server.
  const token = () => { try { return sessionStorage.getItem(TOKEN) ?? ""; } catch { return ""; } };

  async function answer(response) {
    const text = await response.text();
    let body = null;
    try { body = JSON.parse(text); } catch { /* then it is not from our interface */ }
    if (response.ok && body !== null) return body;
    throw new Error(body?.error ?? `${response.status} ${text.slice(0, 200)}`);
  }

  const get = async (path) => answer(await fetch(path, { cache: "no-store" }));
  const post = async (path, body) => answer(await fetch(path, {
    method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", "x-cleave-token": token() },
  }));
  const text = async (path) => {
    const response = await fetch(path);
    if (!response.ok) return answer(response);
    return response.text();
  };

  /** The story of an order. */
  const order = (id) => get(`/api/orders/${encodeURIComponent(id)}?lang=${words.language()}`);

  return { get, post, text, order, admitted: () => token() !== "" };
})();
