// Where GraphiQL may keep things: in memory, because its tabs hold variables, and those may hold
// secret values. Nothing of it survives the page.

/** Return a Storage that forgets. */
export function memoryStorage() {
  const kept = new Map();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, text) => void kept.set(name, String(text)),
    removeItem: (name) => void kept.delete(name),
    clear: () => kept.clear(),
    key: (index) => [...kept.keys()][index] ?? null,
    get length() {
      return kept.size;
    },
  };
}
