/* A section saves itself while somebody writes. The line says only what the server has confirmed; what it has not is kept on
   this device, for this person alone, until it is saved or they sign out. Without this file the Save button does all. */
"use strict";
(() => {
  const bar = document.querySelector("[data-gf-writing]");
  const form = document.getElementById("writing");
  if (!bar || !form || !window.fetch) return;
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const texts = bar.dataset, line = bar.querySelector(".gf-saved"), person = form.elements.person.value;
  const codes = all("input[name=shown]", form).map((input) => input.value);
  const prefix = "gf-words:" + person + ":", place = prefix + texts.gfWriting + "/";
  const PAUSE = 1500, PATIENCE = 20000;

  /* which question a control belongs to: "q-costs-3-price" is of the question "costs" */
  const codeOf = (name) => codes.filter((code) => name === "q-" + code || name.startsWith("q-" + code + "-"))
    .sort((a, b) => b.length - a.length)[0];
  const wordsOf = (code) => Array.from(new FormData(form)).filter(([name, value]) => typeof value === "string" && codeOf(name) === code);
  const marks = {};
  all("input[name=was]", form).forEach((input) => { marks[input.value.split(":")[0]] = input; });
  const markOf = (code) => marks[code] ? marks[code].value.slice(code.length + 1) : "";
  const setMark = (code, mark) => { if (marks[code]) marks[code].value = code + ":" + mark; };

  /* ---- words kept on this device: one entry for each question, with the mark of what they were written over */
  const keep = (code, sent) => {
    try {
      window.localStorage.setItem(place + code, JSON.stringify({ words: wordsOf(code), was: markOf(code), at: Date.now(), sent }));
      return true;
    } catch { return false; }
  };
  const drop = (code) => { try { window.localStorage.removeItem(place + code); } catch { /* no store, nothing kept */ } };
  const kept = (code) => {
    try {
      const entry = JSON.parse(window.localStorage.getItem(place + code) || "null");
      return entry && Array.isArray(entry.words) ? entry : null;
    } catch { return null; }
  };
  const put = (code, words) => {
    const missing = () => words.find(([name]) => !form.elements[name]);
    for (let n = 0; missing() && n < 200; n++) { // lines that were added by hand
      const button = (document.getElementById("q-" + code) || form).querySelector("[data-gf-add]");
      const before = form.elements.length;
      if (button) button.click();
      if (!button || form.elements.length === before) break;
    }
    const left = words.map((pair) => pair.slice());
    Array.from(form.elements).filter((control) => control.name && control.type !== "file" && codeOf(control.name) === code).forEach((control) => {
      const here = left.findIndex(([name, value]) => name === control.name && (!/^(radio|checkbox)$/.test(control.type) || value === control.value));
      if (/^(radio|checkbox)$/.test(control.type)) control.checked = here >= 0;
      else control.value = here >= 0 ? left[here][1] : "";
      if (here >= 0) left.splice(here, 1);
      if (control.dataset.gfCount) control.dispatchEvent(new Event("gf-put", { bubbles: true }));
    });
  };

  /* ---- the line: text for the eye at every change, for the ear only when its kind changes */
  const ear = document.createElement("span");
  ear.className = "visually-hidden";
  ear.setAttribute("role", "status");
  line.removeAttribute("role");
  line.after(ear);
  let kind = "";
  const tell = (now, text, button, press) => {
    line.classList.toggle("ok", now === "ok");
    line.classList.toggle("no", now === "no" || now === "stop");
    const use = line.querySelector("use");
    if (use) use.setAttribute("href", use.getAttribute("href").replace(/#i-.*/, "#i-" + ({ ok: "done", no: "warn", stop: "warn" }[now] || "idle")));
    Array.from(line.childNodes).filter((node) => node.nodeType === 3 || node.nodeName === "BUTTON").forEach((node) => node.remove());
    line.append(text);
    if (button) {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "gf-plain gf-now";
      made.textContent = button;
      made.addEventListener("click", press);
      line.append(" ", made);
    }
    if (now !== kind && now !== "wait") ear.textContent = text;
    if (now !== "wait") kind = now;
  };

  /* ---- saving */
  const dirty = new Map(), clashing = new Set();
  let edits = 0, timer = 0, tries = 0, under = null, stopped = false, stored = true, through = false;
  const later = (ms) => { window.clearTimeout(timer); if (!stopped) timer = window.setTimeout(send, ms); };
  const token = (text) => { if (text) all("input[name=csrf_token]").forEach((input) => { input.value = text; }); };
  const settle = () => { if (!dirty.size) delete form.dataset.gfTouched; else form.dataset.gfTouched = "1"; };
  const choose = () => { through = true; const stay = form.querySelector("button[name=stay]"); if (stay) { form.requestSubmit(stay); return; }
    const hidden = document.createElement("input"); hidden.type = "hidden"; hidden.name = "stay"; hidden.value = "1"; form.append(hidden); form.requestSubmit(); };

  /* what the server decides with each save: which questions are asked, what is computed, which hints speak */
  const show = (page) => Object.entries(page).forEach(([id, how]) => {
    const part = document.getElementById(id);
    if (!part) return;
    if ("hidden" in how) part.hidden = how.hidden;
    if ("text" in how) part.textContent = how.text;
  });

  function send() {
    window.clearTimeout(timer);
    if (!under) under = sendNow().finally(() => { under = null; });
    return under;
  }

  async function sendNow(again = true) {
    const going = new Map(Array.from(dirty).filter(([code]) => !clashing.has(code)));
    if (!going.size) return clashing.size ? "clash" : "ok";
    const body = new URLSearchParams();
    ["csrf_token", "revision", "person"].forEach((name) => { if (form.elements[name]) body.append(name, form.elements[name].value); });
    Object.values(marks).forEach((input) => body.append("was", input.value));
    going.forEach((_, code) => { body.append("shown", code); wordsOf(code).forEach(([name, value]) => body.append(name, value)); });
    tell("wait", texts.gfSaving);
    const patience = new AbortController(), clock = window.setTimeout(() => patience.abort(), PATIENCE);
    let reply, told = null;
    try {
      reply = await fetch(window.location.pathname, {
        method: "POST", body, credentials: "same-origin", redirect: "error", signal: patience.signal,
        headers: { "X-GrantFlow-Page": "1" }, keepalive: document.visibilityState === "hidden" && String(body).length < 60000,
      });
      if ((reply.headers.get("Content-Type") || "").includes("json")) told = await reply.json();
    } catch { reply = null; }
    window.clearTimeout(clock);
    if (told) token(told.csrf);
    if (told && told.person && String(told.person) === person && again) return sendNow(false);
    if (told && told.door) {
      tell("stop", told.said, texts.gfIn, () => open(() => send()));
      return "door";
    }
    if (told && told.was) {
      tries = 0;
      form.elements.revision.value = told.revision;
      try { window.sessionStorage.setItem(place, told.revision); } catch { /* no store: the page may be a moment old */ }
      Object.entries(told.was).forEach(([code, mark]) => {
        setMark(code, mark);
        if (going.has(code) && dirty.get(code) === going.get(code)) { dirty.delete(code); drop(code); } else if (dirty.has(code)) keep(code);
      });
      (told.clash || []).forEach((code) => clashing.add(code));
      [["changed", "[data-gf-changed]"], ["theirs", "[data-gf-theirs]"]].forEach(([key, selector]) => {
        const node = document.querySelector(selector);
        if (node && told[key]) { node.textContent = told[key]; node.hidden = false; }
      });
      show(told.page || {});
      settle();
      if (clashing.size) { tell("stop", texts.gfUnsaved.replace("{why}", told.clash ? told.said : kindly), texts.gfCompare, choose); kindly = told.clash ? told.said : kindly; return "clash"; }
      if (dirty.size) { tell("typing", texts.gfTyping); later(PAUSE); } else tell("ok", told.said);
      return "ok";
    }
    if (reply && reply.status >= 400 && reply.status < 500 && reply.status !== 429 && reply.status !== 408) {
      stopped = true; // what was refused once is refused again: the words stay here and on the page
      settle();
      tell("stop", texts.gfUnsaved.replace("{why}", told && told.said ? told.said : texts.gfClosed));
      return "refused";
    }
    tries += 1;
    settle();
    tell("no", stored ? texts.gfAgain : texts.gfStay);
    later(Math.min(60000, 2000 * 2 ** Math.min(tries, 5)) * (0.8 + Math.random() * 0.4));
    return "away";
  }
  let kindly = "";

  const touch = (code) => {
    dirty.set(code, ++edits);
    stored = keep(code);
    settle();
  };
  const heard = (event) => {
    const code = event.target.name && event.target.type !== "file" && codeOf(event.target.name);
    if (!code) return;
    touch(code);
    if (kind !== "no" && kind !== "stop") tell("typing", texts.gfTyping);
    if (kind !== "no") later(PAUSE);
  };

  /* ---- the small door: the same person signs in again, and what waited goes on */
  const door = document.getElementById("door"), wrong = door && door.querySelector(".gf-wrong");
  let onward = null;
  const open = (then) => {
    onward = then;
    if (!door || !door.showModal) { window.open(door ? door.querySelector("form").action : "/sign-in"); return; }
    wrong.hidden = true;
    if (!door.open) door.showModal();
    door.querySelector("[name=password]").focus();
  };
  if (door) {
    door.querySelector("[data-gf-close]").addEventListener("click", () => door.close());
    door.querySelector("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const asking = event.target, button = event.submitter || asking.querySelector("[type=submit]");
      if (asking.dataset.gfBusy) return;
      asking.dataset.gfBusy = "1";
      button.setAttribute("aria-busy", "true");
      let told = null;
      try {
        const reply = await fetch(asking.action, { method: "POST", body: new URLSearchParams(new FormData(asking)), credentials: "same-origin", redirect: "error", headers: { "X-GrantFlow-Page": "1" } });
        told = await reply.json();
      } catch { told = { said: texts.gfStay }; }
      delete asking.dataset.gfBusy;
      button.removeAttribute("aria-busy");
      token(told.csrf);
      if (String(told.person) !== person) { wrong.textContent = told.said; wrong.hidden = false; door.querySelector("[name=password]").focus(); return; }
      door.querySelector("[name=password]").value = "";
      door.close();
      if (onward) onward();
    });
  }

  /* ---- a page whose two answers wait for a choice: what is chosen is what this device keeps */
  if (texts.gfChoosing !== undefined) {
    form.addEventListener("submit", (event) => {
      const every = event.submitter && event.submitter.name === "take_all" ? event.submitter.value : "";
      all("input[name=choose]").map((input) => input.value).forEach((code) => {
        const taken = every || (document.querySelector("input[name='take-" + code + "']:checked") || {}).value;
        if (taken === "theirs") drop(code); else keep(code, true);
      });
    });
    return;
  }

  /* ---- pressed: first what is not saved, then the button; without a line the page stays, words and chosen files with it */
  let refusedOnce = false;
  form.addEventListener("submit", (event) => {
    if (through || !(dirty.size || under) || stopped) { through = false; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter;
    if (button) button.setAttribute("aria-busy", "true");
    const go = async () => {
      if (under) await under;
      const outcome = await send();
      if (button) button.removeAttribute("aria-busy");
      if (outcome === "door") { open(go); return; }
      if (outcome === "away" && !refusedOnce) { refusedOnce = true; return; }
      refusedOnce = false;
      through = true;
      form.requestSubmit(button || undefined);
    };
    go();
  });

  form.addEventListener("input", heard);
  form.addEventListener("change", heard);
  form.addEventListener("click", (event) => { if (event.target.closest("[data-gf-add]")) settle(); });
  window.addEventListener("online", () => { if (dirty.size) { tries = 0; send(); } });
  document.addEventListener("visibilitychange", () => { if (dirty.size && !stopped && kind !== "stop") send(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });

  /* ---- back on the page: what the server shows counts, and over it what was typed here and never saved */
  if (texts.gfTold !== undefined) {
    codes.forEach((code) => { if (marks[code]) touch(code); });
    if (dirty.size) later(PAUSE);
    return;
  }
  try { // a page that left the server before the last save arrived there shows old words: once more
    const last = Number(window.sessionStorage.getItem(place) || 0);
    window.sessionStorage.removeItem(place);
    if (last > Number(form.elements.revision.value)) { window.location.reload(); return; }
  } catch { /* no store, nothing known */ }
  form.reset();
  let back = 0;
  codes.forEach((code) => {
    const entry = kept(code);
    /* the same stands there, or what was sent after a choice arrived and was changed since */
    const over = entry && (JSON.stringify(entry.words) === JSON.stringify(wordsOf(code)) || (entry.sent && entry.was !== markOf(code)));
    if (!entry || over) { drop(code); return; }
    put(code, entry.words);
    setMark(code, entry.was);
    dirty.set(code, ++edits);
    back += 1;
  });
  document.dispatchEvent(new Event("change"));
  if (back) { settle(); tell("typing", texts.gfBack); later(500); }
})();
