/** What a list of secrets shows, as a frontend would draw it. */
export class Screen {
  #shown = null;
  #waiting = [];

  get now() {
    return this.#shown;
  }

  /** Draw a connection. */
  show({ edges, totalCount, pageInfo }) {
    const keys = edges.map(({ node }) => node?.key ?? null);
    this.#shown = { keys, totalCount, more: pageInfo.hasNextPage };
    this.#waiting = this.#waiting.filter((look) => !look());
  }

  /** Wait until it shows what is asked for; answer what it shows then. */
  once(holds) {
    return new Promise((resolve) => {
      const look = () => this.#shown && holds(this.#shown) && (resolve(this.#shown), true);
      if (!look()) this.#waiting.push(look);
    });
  }
}
