// GraphiQL on the page, with a tab for each step of the tour. React, ReactDOM and GraphiQL are
// globals that their own files define.

import { stopAll } from "./events.js";
import { NEW_TAB, STEPS, pretty, refilled } from "./steps.js";
import { memoryStorage } from "./storage.js";

const { React, ReactDOM, GraphiQL } = window;

const TABS = "graphiql:tabState";

let tabsMade = 0;

/** Return a tab as GraphiQL keeps it. */
function tabOf(step, subject) {
  return {
    id: `tour-${(tabsMade += 1)}`,
    hash: null,
    title: step.name,
    query: step.query,
    variables: pretty(step.variables(subject)),
    headers: null,
    operationName: step.name,
    response: null,
  };
}

/** GraphiQL, and the present variables of its tabs. */
export class Workbench {
  #root;
  #subject;
  #state;
  #onTab;
  #connection = {};
  #storage = memoryStorage();
  #round = 0;
  #front;

  /** Take the element, the steps' subject, and the callback for the tab in front. */
  constructor(canvas, subject, onTab) {
    this.#root = ReactDOM.createRoot(canvas);
    this.#subject = subject;
    this.#onTab = onTab;
    this.#begin({ activeTabIndex: 0, tabs: STEPS.map((step) => tabOf(step, subject)) });
  }

  /** Use this fetcher from now on. A new fetcher makes GraphiQL request the schema. */
  connect(fetcher, { hasSchema }) {
    // With `null`, GraphiQL does not request the schema; with `undefined`, it does.
    this.#connection = { fetcher, schema: hasSchema ? undefined : null };
    this.#render();
  }

  /** Put what is known now into the steps' variables, except where a person has typed a value. */
  fill(subject) {
    const tabs = this.#state.tabs.map((tab) => this.#filled(tab, subject));
    const isNews = tabs.some((tab, index) => tab.variables !== this.#state.tabs[index].variables);
    this.#subject = subject;
    if (isNews) {
      this.#begin({ ...this.#state, tabs });
    }
  }

  /** Bring a step's tab to the front; reopen it if it was closed. */
  show(step) {
    const index = this.#state.tabs.findIndex(({ title }) => title === step.name);
    if (index === -1) {
      const tabs = [...this.#state.tabs, tabOf(step, this.#subject)];
      this.#begin({ tabs, activeTabIndex: tabs.length - 1 });
      this.#render();
    } else {
      document.getElementById(`graphiql-session-tab-${index}`).click();
    }
  }

  #filled(tab, subject) {
    const step = STEPS.find(({ name }) => name === tab.title);
    if (!step) {
      return tab;
    }
    const [before, now] = [step.variables(this.#subject), step.variables(subject)];
    return { ...tab, variables: refilled(tab.variables ?? "", before, now) };
  }

  /** Let GraphiQL start with these tabs: it reads them once, from its storage. */
  #begin(state) {
    const { query, variables, response } = state.tabs[state.activeTabIndex];
    // GraphiQL does not stop running operations when it restarts.
    stopAll();
    this.#round += 1;
    this.#front = { key: this.#round, query, variables, response: response ?? "" };
    this.#storage.setItem(TABS, JSON.stringify(state));
    this.#keep(state);
  }

  #keep(state) {
    this.#state = state;
    this.#onTab(state.tabs[state.activeTabIndex].title);
  }

  #render() {
    const settings = {
      ...this.#front,
      ...this.#connection,
      // The documentation starts with an overview.
      schemaDescription: true,
      storage: this.#storage,
      defaultQuery: NEW_TAB,
      onTabChange: (state) => this.#keep(state),
      // The token has its own field; a header editor would show it and could store it.
      isHeadersEditorEnabled: false,
      shouldPersistHeaders: false,
      defaultEditorToolsVisibility: "variables",
    };
    // At once, before GraphiQL stores the tabs of an earlier round.
    ReactDOM.flushSync(() => this.#root.render(React.createElement(GraphiQL, settings)));
  }
}
