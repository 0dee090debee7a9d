"""The two pages that /graphiql can answer with, as HTML templates without a line of script."""

from html import escape
from string import Template
from typing import Final

# Addresses are relative, so that the page also works behind a proxy that adds a path in front.
# The icon's and the style sheets' addresses are the page's only ones besides its scripts.
_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>GraphiQL · Secrets Gateway</title>
    <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' \
viewBox='0 0 20 20'%3E%3Crect width='20' height='20' rx='4' fill='%231b2436'/%3E%3Cpath \
fill='none' stroke='%23f4f6fb' stroke-width='1.8' d='M6.5 9V7a3.5 3.5 0 0 1 7 0v2'/%3E%3Crect \
x='4.5' y='9' width='11' height='7' rx='1.5' fill='%23f4f6fb'/%3E%3C/svg%3E">
    <link rel="license" href="graphiql/assets/licences.txt">
    <link rel="stylesheet" href="graphiql/assets/graphiql.min.css">
    <link rel="stylesheet" href="graphiql/assets/style.css" nonce="$nonce">
    <script defer src="graphiql/assets/react.production.min.js"></script>
    <script defer src="graphiql/assets/react-dom.production.min.js"></script>
    <script defer src="graphiql/assets/graphiql.min.js"></script>
    <script type="module" src="graphiql/assets/boot.js"></script>
    <link rel="modulepreload" href="graphiql/assets/events.js">
    <link rel="modulepreload" href="graphiql/assets/requests.js">
    <link rel="modulepreload" href="graphiql/assets/status.js">
    <link rel="modulepreload" href="graphiql/assets/steps.js">
    <link rel="modulepreload" href="graphiql/assets/storage.js">
    <link rel="modulepreload" href="graphiql/assets/subject.js">
    <link rel="modulepreload" href="graphiql/assets/tour.js">
    <link rel="modulepreload" href="graphiql/assets/workbench.js">
  </head>
  <body>
    <header class="bar">
      <h1>
        <svg viewBox="0 0 20 20" aria-hidden="true" fill="none" stroke="currentColor"
          stroke-width="1.8">
          <path d="M5.5 8.5V6.5a4.5 4.5 0 0 1 9 0v2"></path>
          <rect x="3" y="8.5" width="14" height="9" rx="2" fill="currentColor"></rect>
        </svg>
        Secrets Gateway
      </h1>
      <form id="access">
        <label for="token">API token</label>
        <input id="token" type="password" autocomplete="off" autocapitalize="none"
          spellcheck="false" aria-describedby="hint">
        <button type="submit">Use token</button>
      </form>
      <p id="status" role="status" data-state="idle">No token yet</p>
    </header>
    <p id="hint" class="hint">
      Enter an API token, and each step of the tour is ready to run: its ids are looked up with
      the token. <code>make run</code> prints one; <code>secrets-gateway token create</code> makes
      another. It stays in this page's memory, and is gone when you reload or leave.
    </p>
    <nav class="tour" aria-label="Tour">
      <ol id="steps"></ol>
      <p id="about" hidden></p>
      <p id="story" aria-live="polite"></p>
    </nav>
    <main id="graphiql" data-endpoint="graphql">
      <noscript>GraphiQL needs JavaScript.</noscript>
    </main>
  </body>
</html>
""")

_NOT_BUILT: Final = Template("""\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>GraphiQL is not built · Secrets Gateway</title>
    <style nonce="$nonce">
      :root { color-scheme: light dark; }
      body { max-width: 40rem; margin: 4rem auto; padding: 0 1rem;
        font: 1rem/1.6 system-ui, sans-serif; }
      code { font: 0.9375em ui-monospace, monospace; }
    </style>
  </head>
  <body>
    <h1>GraphiQL is not built</h1>
    <p>The gateway runs, but these files of its GraphiQL page are missing:</p>
    <ul>
$missing
    </ul>
    <p>Run <code>make graphiql</code> in the project's folder (it needs Node 20 or newer),
      then start the gateway again.</p>
  </body>
</html>
""")


def graphiql_page(*, nonce: str) -> str:
    """Return the GraphiQL page; its styles carry the nonce."""
    return _PAGE.substitute(nonce=nonce)


def not_built_page(*, nonce: str, missing: tuple[str, ...]) -> str:
    """Return the page that names the missing files and the command that builds them."""
    items = "\n".join(f"      <li><code>{escape(name)}</code></li>" for name in missing)
    return _NOT_BUILT.substitute(nonce=nonce, missing=items)
