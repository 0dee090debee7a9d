/** Waits for what is to be so. */
class Lookout {
  #waiting = [];

  /** Look again: something has changed. */
  look() {
    this.#waiting = this.#waiting.filter((isSo) => !isSo());
  }

  /** Wait until there is something; answer it. */
  once(find) {
    return new Promise((resolve) => {
      const isSo = () => {
        const found = find();
        if (found) resolve(found);
        return Boolean(found);
      };
      if (!isSo()) this.#waiting.push(isSo);
    });
  }
}

/** What a list of secrets shows, as a frontend would draw it. */
export class Screen {
  #shown = null;
  #lookout = new Lookout();

  /** Draw a connection. */
  show({ edges, totalCount, pageInfo }) {
    const keys = edges.map(({ node }) => node?.key ?? null);
    this.#shown = { keys, totalCount, more: pageInfo.hasNextPage };
    this.#lookout.look();
  }

  /** What it shows now. */
  get now() {
    return this.#shown;
  }

  /** Wait until it shows what is asked for; answer what it shows then. */
  once(holds) {
    return this.#lookout.once(() => this.#shown && holds(this.#shown) && this.#shown);
  }
}

/** What was heard, one thing after the other. */
export class Heard {
  #things = [];
  #lookout = new Lookout();

  /** Hear something more. */
  add(thing) {
    this.#things.push(thing);
    this.#lookout.look();
  }

  /** Wait until there are so many; answer them all. */
  first(count) {
    return this.#lookout.once(() => this.#things.length >= count && this.#things);
  }
}
